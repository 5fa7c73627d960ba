"""The committed results hold, and a result that does not is found."""

import json
import subprocess
from pathlib import Path

import pytest

from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.results.__main__ import main
from keras_sibeat.results.commands import CommandError, names_written, parse_command, split_commands
from keras_sibeat.results.pages import renew_pages
from keras_sibeat.results.verify import verify

ROOT = Path(__file__).parents[2]
TRAINED = "python -m keras_sibeat.train configs/mine.toml --data data"


def test_every_committed_result_holds(recwarn):
    found = verify(ROOT / "results")
    for sentence in found.skipped:
        print(sentence)
    assert found.files and found.problems == []


@pytest.fixture
def root(tmp_path):
    """A repository with one configuration and one result that holds."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "configs" / "mine.toml").write_text("seeds = [0, 1]\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "One"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    result = {
        "name": "mine",
        "format": 2,
        "protocol": "beatgan",
        "folds": [0],
        "seeds": [0, 1],
        "selection": "label_free",
        "metrics": summarise([{"auc": 0.5, "ap": 0.25}, {"auc": 0.7, "ap": 0.25}]),
        "config": {"seeds": [0, 1]},
        "command": f"{TRAINED} && python -m keras_sibeat.evaluate runs/mine --report results",
        "commit": head.stdout.strip(),
        "measured_commit": head.stdout.strip(),
        "models_sha256": {"fold0-seed0/a.keras": "0" * 64, "fold0-seed1/a.keras": "1" * 64},
    }
    write(tmp_path, result)
    return tmp_path


def write(root, result, name="mine"):
    (root / "results" / f"{name}.json").write_text(json.dumps(result))
    renew_pages(root / "results")


def read(root):
    return json.loads((root / "results" / "mine.json").read_text())


def test_a_result_that_holds_has_no_problem(root):
    assert verify(root / "results").problems == verify(root / "results").skipped == []


def rewritten(result):
    result["metrics"]["auc"]["mean"] = 0.9


def widened(result):
    result["metrics"]["auc"]["sd"] *= 2


def shortened(result):
    result["metrics"]["auc"] = summarise([{"auc": 0.5}])["auc"]


def one_seed(result):
    result["seeds"] = [0]


def dirty(result):
    result["measured_commit"] += "-dirty"


def unknown_commit(result):
    result["commit"] = "0" * 40


def without_models(result):
    result["models_sha256"] = {}


def of_this_machine(result):
    result["note"] = f"{Path.home()}/mitdb"


def placeholder(result):
    result["command"] = f"{TRAINED} && python -m keras_sibeat.evaluate RUN"


def other_selection(result):
    result["command"] += " --selection labelled"


def other_configuration(result):
    result["command"] = result["command"].replace("mine.toml", "absent.toml")


def unknown_option(result):
    result["command"] += " --tune"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (rewritten, "metrics: auc: found the mean 0.9; expected 0.6"),
        (widened, "metrics: auc: found the sd"),
        (shortened, "metrics: auc: found 1 values; expected 2"),
        (one_seed, "found the seeds [0]; expected those configured, [0, 1]"),
        (dirty, "measured_commit: found"),
        (unknown_commit, "which is not in the history"),
        (without_models, "found 0 checksums of models; expected 2 or more"),
        (of_this_machine, "a folder of this machine"),
        (placeholder, "found the placeholder RUN"),
        (other_selection, "expected mine-labelled"),
        (other_configuration, "absent.toml: no such file"),
        (unknown_option, "does not parse"),
    ],
)
def test_a_result_that_its_command_does_not_give_is_found(root, change, told):
    result = read(root)
    change(result)
    write(root, result)
    problems = verify(root / "results").problems
    assert problems and all(sentence.startswith("mine.json: ") for sentence in problems)
    assert any(told in sentence for sentence in problems)


KEPT = ("format", "seeds", "config", "commit", "measured_commit", "models_sha256")


@pytest.fixture
def alarms(root):
    """The name of a further result, of the same run's alarms on what people wear."""
    worn = {"alarms_per_hour": 3.0, "coverage": 0.5, "with_an_alarm": 0.25, "recordings": 4}
    rows = [{**worn, "hours": 1.5, "beats": 5000}, {**worn, "hours": 1.5, "beats": 5010}]
    result = {key: value for key, value in read(root).items() if key in KEPT}
    result |= {"name": "alarms-mine", "worn": {"walk": summarise(rows)}}
    result["command"] = f"{TRAINED} && python -m keras_sibeat.evaluate.worn runs/mine --motion data/motion"
    write(root, result, "alarms-mine")
    return root


def test_alarms_on_what_people_wear_are_verified_as_other_results_are(alarms):
    assert verify(alarms / "results").problems == []
    file = alarms / "results" / "alarms-mine.json"
    result = json.loads(file.read_text())
    result["worn"]["walk"]["coverage"]["mean"] = 0.6
    write(alarms, result, "alarms-mine")
    (problem,) = verify(alarms / "results").problems
    assert (
        problem
        == "alarms-mine.json: worn: walk: coverage: found the mean 0.6; expected 0.5, that of its values."
    )


def test_a_renamed_result_and_an_edited_page_are_found(root):
    write(root, read(root), name="mine-again")
    with open(root / "RESULTS.md", "a") as page:
        page.write("better\n")
    problems = "\n".join(verify(root / "results").problems)
    assert "mine-again.json: found the name 'mine'" in problems
    assert "RESULTS.md: differs from what the results give" in problems


def test_outside_of_a_checkout_commits_are_not_looked_up_and_that_is_said(root):
    (root / ".git").rename(root / "elsewhere")
    found = verify(root / "results")
    assert found.problems == [] and found.skipped == ["Commits were not looked up: this is no git checkout."]


def test_the_command_writes_nothing_and_fails_where_something_does_not_hold(root, capsys):
    result = read(root)
    rewritten(result)
    (root / "results" / "mine.json").write_text(json.dumps(result))
    before = {path: path.read_bytes() for path in root.glob("*.md")}
    with pytest.raises(SystemExit) as stopped:
        main(["verify", "--folder", str(root / "results")])
    assert stopped.value.code == 1 and "found the mean 0.9" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in root.glob("*.md")}


def test_help_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["--help"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("python -m keras_sibeat.evaluate configs/mine.toml --baselines", {"baseline-knn-mine"}),
        (f"{TRAINED} && python -m keras_sibeat.evaluate runs/mine --exported", {"mine-int8"}),
        (f"{TRAINED} && python -m keras_sibeat.probe runs/mine", {"probe-mine-random", "probe-mine-trained"}),
        ("python -m keras_sibeat.robustness runs/mine --noise nstdb", {"end-to-end-mine"}),
        (f"{TRAINED} && python -m keras_sibeat.evaluate.worn runs/mine --motion data", {"alarms-mine"}),
        ("python -m keras_sibeat.evaluate.worn runs/mine --rhythms data/cinc2017", {"alarms-mine"}),
        (f"{TRAINED} --set name=other && python -m keras_sibeat.evaluate runs/other", {"other"}),
        ("python -m keras_sibeat.data rpeaks data/svdb", {"rpeaks-svdb"}),
        ("python -m keras_sibeat.data rpeaks data/svdb --sensitive", {"rpeaks-svdb-sensitive"}),
    ],
)
def test_a_command_tells_which_results_it_writes(root, command, names):
    assert names <= names_written(command, root)


@pytest.mark.parametrize(
    "command", ["python -m keras_sibeat.absent", "rm results", "python benchmarks/absent.py", "python"]
)
def test_what_is_no_command_is_refused(command, root):
    with pytest.raises(CommandError):
        parse_command(split_commands(command)[0], root)
