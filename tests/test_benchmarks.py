"""The benchmarks' own code, as far as it needs no torch."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_sibeat.config import Config
from keras_sibeat.data.sources import load_folds
from sibeat_edge.beats.episodes import Episode

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def script(name, monkeypatch):
    """A benchmark's module, imported as it is run: beside the others."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module(name)


def test_fold_file_holds_the_protocols_beats(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SIBEAT_CACHE", str(tmp_path))
    fold_file = script("fold_file", monkeypatch)
    config = Config(data={"wearers": 2, "seconds": 90}, protocol={"folds": (3,)})
    fold = load_folds(config)[3]
    arrays = fold_file.fold_arrays(fold)
    assert arrays["train"].shape == (len(fold.train), 320)
    np.testing.assert_array_equal(arrays["train"], fold.train.windows[..., 0])
    np.testing.assert_array_equal(arrays["test"], fold.test.windows[..., 0])
    assert arrays["train"].dtype == arrays["test"].dtype == np.float32
    np.testing.assert_array_equal(arrays["labels"] == 1, fold.test.classes != "N")
    assert set(arrays["labels"]) == {0, 1}


class Steady:
    """A trainer whose steps take as many seconds as it is told, on a clock of its own."""

    def __init__(self, seconds):
        self.seconds, self.turns = seconds, 0

    def time(self, steps):
        self.turns += 1
        return steps * self.seconds


def test_mixed_precision_is_compared_side_by_side(monkeypatch, capsys):
    benchmark = script("mixed_precision", monkeypatch)
    trainers = {"float32": Steady(0.5), "mixed_bfloat16": Steady(0.25), "mixed_float16": Steady(1.0)}
    found = benchmark.measure(trainers, rounds=4, steps=2)
    assert [trainer.turns for trainer in trainers.values()] == [4, 4, 4]
    result = benchmark.summarise(found, 2, "model name\t: x\nflags\t\t: fpu avx512_bf16 avx512_fp16\n")
    assert result["ratio_to_float32"] == {
        "mixed_bfloat16": {"median": 2.0, "least": 2.0, "most": 2.0},
        "mixed_float16": {"median": 0.5, "least": 0.5, "most": 0.5},
    }
    assert result["beats_per_second"]["float32"]["median"] == benchmark.BATCH / 0.5
    assert result["machine"]["half_precision"] == ["avx512_bf16", "avx512_fp16"]
    capsys.readouterr()
    benchmark.show(result)
    told = capsys.readouterr().out
    assert "mixed_bfloat16: 2.00 times float32's speed (2.00 to 2.00): faster" in told
    assert "mixed_float16: 0.50 times float32's speed (0.50 to 0.50): slower" in told


def test_a_processor_without_half_precision_says_so(monkeypatch):
    benchmark = script("mixed_precision", monkeypatch)
    assert benchmark.half_precision_flags("flags : fpu sse2 avx2\n") == []
    assert benchmark.half_precision_flags("Features : fp asimdhp bf16\n") == ["asimdhp", "bf16"]


def test_a_clock_tells_a_part_s_time_without_that_of_the_parts_that_it_calls(monkeypatch):
    clock, now = script("clock", monkeypatch), [0.0]
    monkeypatch.setattr(clock.time, "process_time", lambda: now[0])

    class Work:
        def outer(self):
            now[0] += 1
            self.inner()
            now[0] += 2

        def inner(self):
            now[0] += 10

    with clock.clocked({"one": [(Work, "outer")], "other": [(Work, "inner")]}) as spent:
        Work().outer()
        Work().inner()
    assert spent == {"one": 3.0, "other": 20.0}
    Work().inner()
    assert spent["other"] == 20.0


def test_a_peer_that_is_absent_is_told_in_place_of_its_time(monkeypatch):
    parts = script("holter_parts", monkeypatch)
    monkeypatch.setitem(sys.modules, "neurokit2", None)
    peers = parts._peers(np.zeros(10), 360)
    assert callable(peers["wfdb_xqrs"])
    assert {peers[f"neurokit2_{name}"] for name in ("clean_and_peaks", "process")} == {
        "not measured: neurokit2 is not installed"
    }


def test_the_parts_of_a_half_hour_are_clocked_on_what_exists(monkeypatch):
    parts = script("holter_parts", monkeypatch)
    for places in parts.PARTS.values():
        assert all(callable(getattr(owner, name)) for owner, name in places)


def test_a_replay_takes_the_integers_of_the_file(monkeypatch):
    replay = script("firmware_replay", monkeypatch)
    samples = np.array([0.005, -1.25, np.nan, 2.0])
    assert replay.as_integers(samples).tolist() == [1, -250, -32768, 400]
    with pytest.raises(SystemExit, match="found samples that are no multiples"):
        replay.as_integers(np.array([0.0012]))


def test_a_replay_counts_episodes_by_what_begin_and_end(monkeypatch):
    replay = script("firmware_replay", monkeypatch)
    found = replay.counted([Episode("pause", 1.0, 5.0), Episode("bigeminy", 2.0), Episode("pause", 1.0, 5.0)])
    assert found == {("pause", 360, 1800): 2, ("bigeminy", 720, None): 1}
    assert replay.sums([{"beats": 2}, {"beats": 3, "kind": 1}]) == {"beats": 5, "kind": 1}


def test_a_budget_s_second_is_made_of_its_samples_and_beats(monkeypatch):
    budget = script("firmware_budget", monkeypatch)
    told = "sample 5000000 50000 900\nwarm-up 70000 2 40000\nbeat 1000000 25 50000\nstack 4000\ncontext 9\n"
    found = budget.count(told, 40)
    assert (found["instructions_sample"], found["instructions_beat"], found["stack"]) == (
        4000,
        1_600_000,
        4000,
    )
    assert found["instructions_second"] == 248.75 * 4000 + 1.25 * 1_600_000
    assert found["share_of_64_mhz"] == pytest.approx(0.0468, abs=1e-4)
    sizes = {"flash": 50_000, "ram": 20_000, "flash_with_selftest": 60_000}
    rows = budget.table({"m4 -Os": {**sizes, **found}, "rv32imc -O2": sizes}).splitlines()
    assert rows[-2] == (
        "| Cortex-M4F | `-Os` | 50,000 | 60,000 | 20,000 | 4,000 | 4,000 | 1,600,000 | 2,995,000 | 4.7 % |"
    )
    assert rows[-1] == "| RISC-V rv32imc | `-O2` | 50,000 | 60,000 | 20,000 |  |  |  |  |  |"


def test_the_table_of_the_docs_is_that_of_the_bundle_s_readme(monkeypatch):
    budget = script("firmware_budget", monkeypatch)
    docs = budget.DOCS.read_text(encoding="utf-8")
    assert f"{budget.BEGIN}{budget.TABLE.read_text(encoding='utf-8')}{budget.END}" in docs
