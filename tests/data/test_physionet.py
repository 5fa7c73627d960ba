"""Downloads from a real HTTP server on this machine, and local copies that are whole or are not."""

import hashlib

import pytest
from file_server import serving, write_sums

from keras_sibeat.data.physionet import check_files, fetch, labelled_records, list_records
from keras_sibeat.data.recording import read_recording, write_recording
from keras_sibeat.data.sources import write_simulated
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import DataError

RECORDS = ["s000", "s001"]
FILES = [f"{name}.{suffix}" for name in RECORDS for suffix in ("atr", "dat", "hea")]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Folder of a small simulated database, as PhysioNet serves it."""
    folder = tmp_path_factory.mktemp("server") / "simdb" / "1.0.0"
    folder.mkdir(parents=True)
    write_simulated(folder, wearers=2, seconds=10)
    (folder / "notes.txt").write_text("not a record's")
    write_sums(folder)
    return folder


@pytest.fixture
def database(original, tmp_path):
    """A copy of the database that a test may spoil."""
    folder = tmp_path / "server" / "simdb" / "1.0.0"
    folder.mkdir(parents=True)
    for path in original.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def get(server, folder):
    return fetch("simdb", folder, server=server.url)


def assert_whole(folder, database, names=FILES):
    for name in names:
        assert (folder / name).read_bytes() == (database / name).read_bytes()
    assert not list(folder.glob("*.part"))


def begin(folder, database, name, size):
    """Leave what an interrupted download leaves."""
    folder.mkdir()
    (folder / f"{name}.part").write_bytes((database / name).read_bytes()[:size])


def data_requests(server):
    return [entry for entry in server.log if entry[0] in FILES]


# Download


def test_fetches_the_records_and_nothing_else(database, tmp_path):
    folder = tmp_path / "new" / "copy"
    with serving(database) as server:
        assert get(server, folder) == len(FILES)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "RECORDS", "SHA256SUMS.txt"])
    assert_whole(folder, database)
    assert list_records(folder) == RECORDS
    assert set(check_files(folder, RECORDS)) == set(FILES)
    assert read_recording(folder / "s001").signal.shape == (3600, 2)


def test_a_second_fetch_downloads_no_file_again(database, tmp_path):
    with serving(database) as server:
        get(server, tmp_path)
        server.log.clear()
        assert get(server, tmp_path) == 0
    assert [name for name, *_ in server.log] == ["RECORDS", "SHA256SUMS.txt"]


def test_goes_on_where_it_stopped(database, tmp_path):
    folder = tmp_path / "copy"
    begin(folder, database, "s000.dat", 5000)
    with serving(database) as server:
        assert get(server, folder) == len(FILES)
    size = (database / "s000.dat").stat().st_size
    assert [entry for entry in server.log if entry[0] == "s000.dat"] == [
        ("s000.dat", "bytes=5000-", size - 5000)
    ]
    assert_whole(folder, database)


def test_takes_a_part_that_is_already_whole(database, tmp_path):
    folder = tmp_path / "copy"
    begin(folder, database, "s000.dat", None)
    with serving(database) as server:
        get(server, folder)
    assert ("s000.dat", "bytes=14400-", 0) in server.log
    assert_whole(folder, database)


def test_starts_again_where_the_server_ignores_ranges(database, tmp_path):
    folder = tmp_path / "copy"
    begin(folder, database, "s000.dat", 5000)
    with serving(database, ranges=False) as server:
        get(server, folder)
    assert ("s000.dat", "bytes=5000-", 14400) in server.log
    assert_whole(folder, database)


def test_a_connection_that_ends_early_is_resumed_by_the_next_fetch(database, tmp_path):
    with serving(database, stops_after={"s000.dat": 6000}) as server:
        with pytest.raises(DataError, match=r"s000\.dat: found 6000 bytes; expected 14400; run the same"):
            get(server, tmp_path)
    assert not (tmp_path / "s000.dat").exists()
    with serving(database) as server:
        get(server, tmp_path)
    assert ("s000.dat", "bytes=6000-", 8400) in server.log
    assert_whole(tmp_path, database)


def test_an_index_cut_short_is_no_index(database, tmp_path):
    with serving(database, stops_after={"RECORDS": 5}) as server:
        with pytest.raises(DataError, match="RECORDS: found 5 bytes; expected 10"):
            get(server, tmp_path)
    assert not (tmp_path / "RECORDS").exists()


def test_a_spoilt_download_is_removed(database, tmp_path):
    content = (database / "s001.dat").read_bytes()
    (database / "s001.dat").write_bytes(content[:-1] + b"x")
    with serving(database) as server:
        with pytest.raises(DataError, match=r"s001\.dat: the download has SHA-256 \w{12}…; expected \w{12}…"):
            get(server, tmp_path)
        assert not list(tmp_path.glob("s001.dat*"))
        (database / "s001.dat").write_bytes(content)
        get(server, tmp_path)
    assert_whole(tmp_path, database)


def test_a_spoilt_file_of_the_copy_is_fetched_again(database, tmp_path):
    with serving(database) as server:
        get(server, tmp_path)
        (tmp_path / "s000.hea").write_text("spoilt")
        server.log.clear()
        assert get(server, tmp_path) == 1
    assert data_requests(server) == [("s000.hea", None, (database / "s000.hea").stat().st_size)]
    assert_whole(tmp_path, database)


@pytest.mark.parametrize("absent", ["RECORDS", "SHA256SUMS.txt", "s001.hea"])
def test_a_file_that_the_server_lacks(database, tmp_path, absent):
    (database / absent).unlink()
    with serving(database) as server:
        with pytest.raises(DataError, match=rf"{server.url}/simdb/1\.0\.0/{absent}: the server answered 404"):
            get(server, tmp_path)


def test_an_unknown_database(database, tmp_path):
    with serving(database) as server, pytest.raises(DataError, match="nodb/1.0.0/RECORDS.*404"):
        fetch("nodb", tmp_path, server=server.url)


def test_an_unreachable_server_spoils_no_local_copy(database, tmp_path):
    with serving(database) as server:
        get(server, tmp_path)
    with pytest.raises(DataError, match="RECORDS: could not be reached.*run the same command again"):
        get(server, tmp_path)
    assert_whole(tmp_path, database, [*FILES, "RECORDS", "SHA256SUMS.txt"])


def test_a_server_that_does_not_speak_http(database, tmp_path):
    with serving(database, nonsense=True) as server:
        with pytest.raises(DataError, match="RECORDS: could not be reached.*nonsense"):
            get(server, tmp_path)


def test_a_page_in_place_of_the_checksums(database, tmp_path):
    (database / "SHA256SUMS.txt").write_text("<html>\n<p>Log in to this network first</p>\n</html>\n")
    with serving(database) as server, pytest.raises(DataError, match="found the line '<html>'; expected"):
        get(server, tmp_path)


def test_a_record_without_a_checksum(database, tmp_path):
    write_sums(database, [name for name in FILES if not name.startswith("s001")])
    with serving(database) as server, pytest.raises(DataError, match="found no checksum of record s001"):
        get(server, tmp_path)


# Local copy


def test_records_are_those_of_the_index_in_its_order(tmp_path):
    (tmp_path / "RECORDS").write_text("200\n100\n")
    (tmp_path / "300.hea").touch()
    assert list_records(tmp_path) == ["200", "100"]


def test_records_without_an_index_are_those_with_headers(tmp_path):
    for name in ("b.hea", "a.hea", "a.dat", "c.dat"):
        (tmp_path / name).touch()
    assert list_records(tmp_path) == ["a", "b"]


def test_a_folder_without_records(tmp_path):
    with pytest.raises(DataError, match="found no WFDB records; expected a RECORDS file or .hea files"):
        list_records(tmp_path)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        list_records(tmp_path / "nowhere")


def test_the_files_of_a_record_are_checked_and_hashed(database):
    digests = check_files(database, ["s001"])
    assert digests == {
        f"s001.{suffix}": hashlib.sha256((database / f"s001.{suffix}").read_bytes()).hexdigest()
        for suffix in ("atr", "dat", "hea")
    }


@pytest.mark.parametrize("name", ["s000.hea", "s000.dat", "s000.atr"])
def test_a_missing_file_is_named(database, name):
    (database / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: no such file; SHA256SUMS.txt lists it"):
        check_files(database, RECORDS)
    assert len(check_files(database, ["s001"])) == 3  # the other record is whole


def test_a_changed_file_is_named(database):
    with open(database / "s001.dat", "ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match=r"s001\.dat: found SHA-256 \w{12}…; expected \w{12}… \(SHA256SUMS"):
        check_files(database, RECORDS)


def test_without_checksums_the_files_are_only_hashed(database):
    (database / "SHA256SUMS.txt").unlink()
    before = check_files(database, RECORDS)
    with open(database / "s001.dat", "ab") as file:
        file.write(b"x")
    after = check_files(database, RECORDS)
    assert {name for name in FILES if before[name] != after[name]} == {"s001.dat"}


def test_records_in_folders_of_their_own(database):
    (database / "p0").mkdir()
    for suffix in ("atr", "dat", "hea"):
        (database / f"s000.{suffix}").rename(database / "p0" / f"s000.{suffix}")
    nested = [f"p0/s000.{suffix}" for suffix in ("atr", "dat", "hea")]
    write_sums(database, nested)
    assert sorted(check_files(database, ["p0/s000"])) == nested
    (database / "p0" / "s000.dat").write_bytes(b"")
    with pytest.raises(DataError, match=r"p0/s000\.dat: found SHA-256"):
        check_files(database, ["p0/s000"])


def test_a_signal_in_matlabs_format_is_hashed_too(tmp_path):
    for suffix in ("hea", "mat", "txt", "atr"):
        (tmp_path / f"A00001.{suffix}").write_text(suffix)
    assert set(check_files(tmp_path, ["A00001"], "none")) == {"A00001.hea", "A00001.mat"}
    before = check_files(tmp_path, ["A00001"])
    (tmp_path / "A00001.mat").write_text("other")
    after = check_files(tmp_path, ["A00001"])
    assert {name for name in before if before[name] != after[name]} == {"A00001.mat"}


def test_records_are_those_to_which_the_reference_gives_the_label(tmp_path):
    (tmp_path / "REFERENCE.csv").write_text("A01,N\nA02,A\r\n\nA03,N\nA04,~\nA05,NN\n")
    assert labelled_records(tmp_path, "N") == ["A01", "A03"]
    assert labelled_records(tmp_path, "A") == ["A02"] and labelled_records(tmp_path, "~") == ["A04"]
    with pytest.raises(DataError, match=r"REFERENCE\.csv: found no record labelled 'O'; expected some"):
        labelled_records(tmp_path, "O")


def test_a_folder_without_a_reference(tmp_path):
    with pytest.raises(DataError, match=r"REFERENCE\.csv: no such file; expected lines of a record and its"):
        labelled_records(tmp_path, "N")


def headers(folder, *names, text="x 0 360 0\n"):
    for name in names:
        path = folder / f"{name}.hea"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_records_in_sub_folders_are_named_by_their_paths(tmp_path):
    headers(tmp_path, "top", "p1/day1", "p1/day2", "p2/day1", "p2/deep/er.1")
    assert list_records(tmp_path) == ["p1/day1", "p1/day2", "p2/day1", "p2/deep/er.1", "top"]
    (tmp_path / "RECORDS").write_text("p2/day1\np1/\np2/day1\n")
    assert list_records(tmp_path) == ["p2/day1", "p1/day1", "p1/day2"]


def test_segments_are_no_records_of_their_own(tmp_path):
    headers(tmp_path, "a_1", "a_2", "b", "deep/a_1")
    headers(tmp_path, "a", text="# of two segments\na/2 1 360 20\na_1 10\na_2 10\n")
    assert list_records(tmp_path) == ["a", "b", "deep/a_1"]


def test_the_files_that_a_header_names_count_whatever_their_names(tmp_path):
    recording = simulate_wearer(0, 10)
    path = write_recording(recording, tmp_path)
    path.with_suffix(".dat").rename(tmp_path / "samples.bin")
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace(f"{path.name}.dat", "samples.bin"))
    found = check_files(tmp_path, [path.name])
    assert set(found) == {f"{path.name}.hea", f"{path.name}.atr", "samples.bin"}
