"""The table of test beats: what it holds, what it is written over, and two models compared by theirs."""

import checkpoints
import numpy as np
import pandas
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.evaluate.__main__ import main as evaluate_command
from keras_sibeat.evaluate.beat_files import COLUMNS, read_beats, write_beats
from keras_sibeat.evaluate.comparing import compare, compare_tables
from keras_sibeat.evaluate.runs import evaluate
from keras_sibeat.train.training import train

SETTINGS = [*checkpoints.SMALL, "train.epochs=1", "train.jit_compile=false", "seeds=[0, 1]"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of two seeds."""
    return train(read_config(overrides=SETTINGS), tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="module")
def table(run, tmp_path_factory):
    """The file of its test beats, and the result."""
    file = tmp_path_factory.mktemp("tables") / "beats.csv"
    return file, evaluate(run, beats_file=file)


def test_the_table_holds_the_test_beats_as_the_evaluation_scored_them(run, table):
    beats, test = read_beats(table[0]), load_folds(run.config)[0].test
    assert tuple(beats.columns) == COLUMNS
    for place, (seed, of_seed) in enumerate(beats.groupby("seed")):
        assert of_seed["record"].tolist() == test.records.tolist()
        assert of_seed["symbol"].tolist() == test.symbols.tolist()
        np.testing.assert_allclose(of_seed["time"], test.samples / 360, atol=1e-9)
        auc = roc_auc_score(of_seed["class"] != "N", of_seed["score"])
        assert auc == pytest.approx(table[1]["metrics"]["auc"]["values"][place], abs=1e-9) and seed == place
        share = of_seed["alarm"][~of_seed["is_abnormal"]].mean()
        assert share == pytest.approx(table[1]["metrics"]["false_alarm_rate"]["values"][place])


def test_a_run_compared_with_its_own_table_differs_by_nothing(run, table, few_draws):
    found = compare([run.folder, table[0]])
    assert found["auc"]["difference"] == pytest.approx(0, abs=1e-12)
    assert found["auc"]["low"] == found["auc"]["high"] == pytest.approx(0, abs=1e-12)
    assert found["auc"]["first"] == pytest.approx(table[1]["metrics"]["auc"]["mean"], abs=1e-9)


def test_parquet_holds_the_same(table, tmp_path):
    pytest.importorskip("pyarrow")
    beats = read_beats(table[0])
    write_beats(beats, tmp_path / "beats.parquet")
    pandas.testing.assert_frame_equal(read_beats(tmp_path / "beats.parquet"), beats)


def test_parquet_without_its_package_is_one_sentence(table, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"found no pyarrow, which Parquet needs; expected pip install"):
        write_beats(read_beats(table[0]), tmp_path / "beats.parquet")
    assert not list(tmp_path.iterdir())


def synthetic(wearers=12, each=60, noise=1.0, seed=0, of_wearers=0.0):
    """Beats of several wearers whose abnormal ones score 1 more, under noise of beats and of wearers."""
    names = np.repeat([f"w{n:02d}" for n in range(wearers)], each)
    is_abnormal = np.arange(wearers * each) % 4 == 0
    draw = np.random.default_rng(seed)
    spread = np.repeat(draw.normal(size=wearers), each) * of_wearers
    table = pandas.DataFrame({"record": names, "wearer": names, "sample": np.tile(np.arange(each), wearers)})
    return table.assign(
        **{"time": table["sample"] / 360, "symbol": np.where(is_abnormal, "V", "N")},
        **{"class": np.where(is_abnormal, "V", "N"), "is_abnormal": is_abnormal},
        score=is_abnormal + draw.normal(size=len(table)) * noise + spread,
        alarm=False,
        fold=0,
        seed=0,
    )


def test_the_paired_interval_is_that_of_an_independent_bootstrap():
    first, second = synthetic(noise=1.5), synthetic(noise=1.0, seed=1)
    found = compare_tables(first, second)
    for name, metric in (("auc", roc_auc_score), ("ap", average_precision_score)):
        assert found[name]["first"] == pytest.approx(metric(first.is_abnormal, first.score))
        assert found[name]["second"] == pytest.approx(metric(second.is_abnormal, second.score))
    draw, values = np.random.default_rng(7), []
    for _ in range(400):
        rows = np.concatenate([np.arange(60) + 60 * n for n in draw.integers(0, 12, 12)])
        pair = [
            roc_auc_score(t.is_abnormal.to_numpy()[rows], t.score.to_numpy()[rows]) for t in (first, second)
        ]
        values.append(pair[1] - pair[0])
    assert found["auc"]["low"] == pytest.approx(np.quantile(values, 0.025), abs=0.015)
    assert found["auc"]["high"] == pytest.approx(np.quantile(values, 0.975), abs=0.015)
    assert found["auc"]["low"] > 0 and found["wearers"] == 12


def test_what_both_share_of_the_wearers_does_not_widen_the_interval(few_draws):
    first = synthetic(of_wearers=3.0)
    second = first.assign(score=first.score + 0.02 * first.is_abnormal)
    found = compare_tables(first, second)["auc"]
    assert found["high"] - found["low"] < 0.01 and found["difference"] > 0


def test_the_order_of_the_beats_is_no_matter(few_draws):
    first, second = synthetic(), synthetic(seed=1)
    mixed = second.sample(frac=1, random_state=0)
    assert compare_tables(first, mixed) == compare_tables(first, second)


def test_one_wearer_has_no_interval():
    found = compare_tables(synthetic(wearers=1), synthetic(wearers=1, seed=1))
    assert found["auc"]["low"] is None and found["wearers"] == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda t: t.iloc[:-3],
            r"A: found 3 beats that B lacks, the first in record w11 at sample 57 \(fold",
        ),
        (lambda t: t.assign(fold=1), "A: found 720 beats that B lacks"),
        (lambda t: pandas.concat([t, t]), "B: found a beat twice"),
        (
            lambda t: t.assign(**{"class": "S"}),
            "B: found another class or wearer than in A of the beat in",
        ),
        (lambda t: t.assign(seed=[0] * 700 + [1] * 20), "B: found other beats for one seed"),
    ],
)
def test_other_beats_are_an_error(change, told):
    with pytest.raises(DataError, match=told):
        compare_tables(synthetic(), change(synthetic(seed=1)), ("A", "B"))


def test_beats_of_one_kind_are_an_error():
    normal = synthetic().assign(is_abnormal=False)
    with pytest.raises(DataError, match="found beats of one kind; expected normal and abnormal ones"):
        compare_tables(normal, normal)


@pytest.fixture
def few_draws(monkeypatch):
    """Of a bootstrap whose interval no test looks at."""
    monkeypatch.setattr("keras_sibeat.evaluate.wearers.DRAWN", 10)


def ended(capsys, *line):
    """What the command tells as it ends with an error."""
    with pytest.raises(SystemExit) as left:
        evaluate_command([*map(str, line)])
    assert left.value.code == 2
    return capsys.readouterr().err


def test_no_input_is_overwritten(run, tmp_path, capsys):
    precious = tmp_path / "precious.csv"
    precious.write_text("time,MLII\n0,1\n")
    told = ended(capsys, run.folder, "--beats", precious)
    assert "found a file that is no table of beats; expected a new one" in told
    assert precious.read_text() == "time,MLII\n0,1\n"
    assert "found the extension '.xlsx'; expected .csv or .parquet" in ended(
        capsys, run.folder, "--beats", tmp_path / "a.xlsx"
    )


def test_the_command_compares_and_says_what_does_not_go_together(table, tmp_path, capsys, few_draws):
    beats = read_beats(table[0])
    write_beats(beats.assign(score=-beats["score"]), tmp_path / "b.csv")
    evaluate_command(["--compare", str(table[0]), str(tmp_path / "b.csv")])
    told = capsys.readouterr().out
    assert "second - first" in told and f"{len(beats) // 2} beats of 4 wearers" in told
    both = ("--compare", table[0], tmp_path / "b.csv")
    assert "--compare: found --beats beside it" in ended(capsys, *both, "--beats", tmp_path / "c.csv")
    assert "expected either a run, --preset NAME, or --compare A B" in ended(capsys)
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    assert "found the columns a, b; expected record, wearer" in ended(capsys, *both[:2], tmp_path / "c.csv")
    assert "no such file; expected a table of beats" in ended(capsys, *both[:2], tmp_path / "d.csv")
