"""The tables of maps say what the result says, and a result's command says its name."""

import pytest

from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.results.commands import names_written
from keras_sibeat.results.explain_tables import where
from keras_sibeat.results.pages import render

TRAINED = "python -m keras_sibeat.train configs/{0}.toml --data data"


def row(pointing, spread=0.1):
    values = [{"pointing": pointing + s, "overlap": 0.5, "deletion": 0.2} for s in (-spread, 0, spread)]
    return {kind: summarise(values) for kind in ("bump", "V", "planted")}


@pytest.fixture
def result():
    rows = {"student: occlusion": row(0.8), "chance": row(0.2, 0.0)}
    same = summarise([{"correlation": 0.99, "same_place": 0.97, "overlap": 0.9}] * 3)
    return {
        "name": "explain",
        "maps": {"simulated": rows, "recorded": rows},
        "agreement": {"simulated": {"student-int8": same}},
        "beats": {"simulated": {"bump": 30, "V": 12}, "recorded": {"bump": 20, "V": 1_400}},
        "config": {"protocol": {"name": "databases"}},
    }


def test_every_map_has_a_row_with_mean_and_spread(result):
    text = where(result)
    assert "| student: occlusion | 0.800 ± 0.100 | 0.500 ± 0.000 | 0.200 ± 0.000 | 0.800 ± 0.100 |" in text
    assert "### Recorded: 1,420 beats" in text and "### Simulated: 42 beats" in text
    assert "| `student-int8` | simulated | 0.990 ± 0.000 | 0.970 ± 0.000 | 0.900 ± 0.000 |" in text
    assert (
        "### Pointing game by kind, recorded beats\n\n**Pointing game: bump, V**\n\n| map | bump | V |"
        in text
    )
    assert "refused" not in text


def test_what_no_beat_measures_has_no_column(result):
    assert "S: the P wave" not in where(result)


def test_refused_parts_are_named(result):
    text = where({**result, "refused": {"student/fold0-seed1": ["kinds"]}})
    assert "The export's gate refused student/fold0-seed1" in text


def test_a_series_has_a_column_for_the_channel():
    values = {"pointing": 0.9, "channel": 0.95, "overlap": 0.6, "deletion": 0.1}
    rows = {"rebuild error": {kind: summarise([values]) for kind in ("held", "planted")}}
    text = where({"name": "explain-mocap", "maps": rows, "config": {"protocol": {"name": "series"}}})
    assert "| rebuild error | 0.900 | 0.950 | 0.600 | 0.100 |" in text and "| map | held |" in text


def test_the_page_of_results_has_the_section(result, tmp_path):
    import json

    (tmp_path / "explain.json").write_text(json.dumps(result))
    assert "## Where in the beat" in render(tmp_path)


@pytest.mark.parametrize(
    ("config", "text", "name"), [("mine", "seeds = [0]\n", "explain"), ("walks", None, "explain-walks")]
)
def test_the_command_says_the_results_name(config, text, name, tmp_path):
    series = (
        '[data]\nsource = "series"\ngroups = { a = ["*.csv"] }\n[protocol]\nname = "series"\nnormal = "a"\n'
        "[window]\nbefore = 32\nafter = 32\n"
    )
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / f"{config}.toml").write_text(text or series)
    explained = f"python -m keras_sibeat.evaluate.explain runs/{config} runs/other --report results"
    assert names_written(f"{TRAINED.format(config)} && {explained}", tmp_path) == {name}
