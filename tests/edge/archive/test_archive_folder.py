"""An archive's folder: its datasets are the same however often it was taken up again, and nobody else's."""

import hashlib
import json
import multiprocessing

import pytest

from sibeat_edge.archive import folder as module
from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.tables import BEATS, EPISODES, TABLES, as_table, no_result, schema
from sibeat_edge.errors import EdgeError

pa = pytest.importorskip("pyarrow", reason="the tables of an archive are pyarrow's")
NAMES = [f"r{number}" for number in range(7)]
SETTINGS = {"source": "here", "rate": None, "lead": ["V5"]}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(module, "ROWS", 8)


def result(name):
    """Beats and episodes whose numbers depend on the recording."""
    count = int(name[1:]) * 2
    rows = [{"recording": name, "time": 0.8 * beat, "alarm": beat % 2 == 0} for beat in range(count)]
    row = {"recording": name, "status": "done", "beats": count, "seconds": 60.0}
    episodes = [{"recording": name, "what": "pause", "start": 1.0, "end": 4.0}] * (count // 4)
    meta = {"row": json.dumps(row), "episodes": json.dumps(episodes)}
    return as_table(BEATS, rows).replace_schema_metadata(meta)


def go_on(path, most=None, names=NAMES, order=1):
    """Score up to ``most`` recordings, and be gone; how many there were to do."""
    folder, done = Folder(path), 0
    with folder.locked():
        folder.begin(SETTINGS, names)
        todo = folder.todo()
        left = {chunk: [t for t in todo if t["chunk"] == chunk] for chunk in {t["chunk"] for t in todo}}
        for task in todo[::order][:most]:
            folder.keep(task["chunk"], task["number"], result(task["recording"]))
            left[task["chunk"]].remove(task)
            if not left[task["chunk"]] and most is None:
                folder.finish(task["chunk"])
            done += 1
    return len(todo)


def contents(path):
    files = sorted(file for file in path.rglob("*.parquet"))
    return {str(f.relative_to(path)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_the_files_are_the_same_however_often_it_was_interrupted(tmp_path):
    go_on(tmp_path / "at-once")
    assert [go_on(tmp_path / "often", most, order=-1) for most in (2, 0, 3, 1, None)] == [7, 5, 5, 2, 1]
    assert contents(tmp_path / "often") == contents(tmp_path / "at-once")
    assert sorted(contents(tmp_path / "often")) == [
        f"{name}/chunk={chunk:05d}/{name}.parquet" for name in sorted(TABLES) for chunk in range(3)
    ]
    assert not list((tmp_path / "often" / ".sibeat" / "scored").iterdir())


def test_rows_are_neither_lost_nor_doubled(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    go_on(tmp_path, 4)
    go_on(tmp_path)
    for name, columns in TABLES.items():
        table = pq.read_table(tmp_path / name)
        assert table.schema.names == [*columns, "chunk"]
        assert table.drop_columns("chunk").schema.remove_metadata().equals(schema(columns))
        wanted = [row for n in NAMES for row in rows_of(name, n)]
        keys = [{key: row[key] for key in wanted[0]} for row in table.to_pylist()]
        assert keys == wanted


def rows_of(dataset, name):
    table = result(name)
    if dataset == "beats":
        return table.to_pylist()
    found = json.loads(table.schema.metadata[{"recordings": b"row", "episodes": b"episodes"}[dataset]])
    return [found] if dataset == "recordings" else found


@pytest.mark.parametrize("dataset", [*TABLES, None])
def test_a_chunk_that_was_cut_while_it_was_written_is_written_again(tmp_path, monkeypatch, dataset):
    """As if the process had ended just before the file of ``dataset`` got its place, or just behind all."""
    go_on(tmp_path / "whole")
    put, remove = Folder._put, module.shutil.rmtree

    def cut(self, name, *rest):
        if name == dataset:
            raise KeyboardInterrupt
        put(self, name, *rest)

    def end(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Folder, "_put", cut)
    if dataset is None:
        monkeypatch.setattr(module.shutil, "rmtree", end)
    with pytest.raises(KeyboardInterrupt):
        go_on(tmp_path / "cut")
    monkeypatch.setattr(Folder, "_put", put)
    monkeypatch.setattr(module.shutil, "rmtree", remove)
    assert go_on(tmp_path / "cut") == 4  # what was kept is not scored again
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert not list((tmp_path / "cut").rglob(".partial-*"))


def test_what_was_half_written_is_removed(tmp_path):
    go_on(tmp_path, 2)
    half = tmp_path / ".sibeat" / "scored" / "00000" / ".partial-1-02.arrow"
    half.write_bytes(b"half")
    assert go_on(tmp_path) == 5 and not half.exists()


def test_pandas_and_duckdb_open_the_datasets(tmp_path):
    pandas = pytest.importorskip("pandas", reason="reads the datasets, as users do")
    go_on(tmp_path)
    beats, recordings = (pandas.read_parquet(tmp_path / name) for name in ("beats", "recordings"))
    assert beats.groupby("recording").size().to_dict() == {n: 2 * int(n[1:]) for n in NAMES[1:]}
    duckdb = pytest.importorskip("duckdb", reason="it is installed for the slow tests alone")
    count = duckdb.sql(
        f"SELECT recording, count(*) FROM '{tmp_path}/beats/*/*.parquet' WHERE alarm GROUP BY recording"
    )
    assert dict(count.fetchall()) == {n: int(n[1:]) for n in NAMES[1:]}
    assert recordings["beats"].sum() == len(beats)


@pytest.mark.parametrize("change", [{"rate": 360.0}, {"lead": None}, {"source": "there"}])
def test_other_settings_are_refused_in_one_sentence(tmp_path, change):
    go_on(tmp_path, 1)
    (name,) = change
    with pytest.raises(EdgeError, match=f"found results of {name} .*; expected .*--out") as caught:
        Folder(tmp_path).begin(SETTINGS | change, NAMES)
    assert "\n" not in str(caught.value)


def test_new_recordings_make_further_chunks_and_the_others_stay(tmp_path):
    go_on(tmp_path)
    before = contents(tmp_path)
    assert go_on(tmp_path, names=[*NAMES, "r7", "a0"]) == 2
    after = contents(tmp_path)
    assert before.items() <= after.items() and "beats/chunk=00003/beats.parquet" in after


def test_a_folder_of_others_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("")
    with (
        pytest.raises(EdgeError, match="found thesis.txt; expected an empty folder"),
        Folder(tmp_path).locked(),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def _try(path, found):
    try:
        with Folder(path).locked():
            found.put("")
    except EdgeError as error:
        found.put(str(error))


def test_two_at_once_are_refused(tmp_path):
    context = multiprocessing.get_context("fork")
    with Folder(tmp_path).locked():
        found = context.Queue()
        other = context.Process(target=_try, args=(tmp_path, found))
        other.start()
        assert "found another sibeat at work on it" in found.get(timeout=60)
        other.join()


def test_a_recording_without_beats_has_a_row(tmp_path):
    folder = Folder(tmp_path)
    with folder.locked():
        folder.begin(SETTINGS, ["a.csv"])
        folder.keep(0, 0, no_result("a.csv", "timed out", "a.csv: found no end."))
        folder.finish(0)
    assert list(folder.finished(["recording", "status", "beats"])) == [
        {"recording": "a.csv", "status": "timed out", "beats": None}
    ]
    assert EPISODES["start"] == "double"
