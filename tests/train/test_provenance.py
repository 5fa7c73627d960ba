"""Which models a run depends on: recorded when training starts, compared ever after."""

import hashlib
import json
import shutil

import checkpoints
import keras
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.runs import evaluate
from keras_sibeat.train.provenance import depends_on, record_teacher
from keras_sibeat.train.run import Run
from keras_sibeat.train.training import train

PART = "fold0-seed0"
BEATGAN = [*checkpoints.SMALL, "train.epochs=1", "train.jit_compile=false"]
CONTRASTIVE = [*checkpoints.CONTRASTIVE, "train.epochs=1"]
STUDENT = [*CONTRASTIVE, "student.width=4", "student.depth=3", "student.epochs=1"]


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def teacher(runs):
    """The folder of a contrastive run."""
    train(read_config(overrides=CONTRASTIVE), runs / "teacher")
    return runs / "teacher"


@pytest.fixture
def student(runs, teacher, tmp_path):
    """The run of a student and the folder of its teacher, both to be spoilt."""
    if not (runs / "student").exists():
        train(taught_by(teacher), runs / "student")
    shutil.copytree(teacher, tmp_path / "teacher")
    shutil.copytree(runs / "student", tmp_path / "student")
    file = tmp_path / "student" / "config.json"
    config = json.loads(file.read_text())
    config["student"]["teacher"] = str(tmp_path / "teacher")
    file.write_text(json.dumps(config))
    return Run(tmp_path / "student"), tmp_path / "teacher"


def taught_by(teacher):
    return read_config(overrides=[*STUDENT, f"student.teacher={teacher}"])


def retrain(file):
    """Another model of the same graph in place of the one in ``file``."""
    model = keras.saving.load_model(file)
    for variable in model.trainable_variables:
        variable.assign(variable * 1.01)
    model.save(file)


def test_a_run_depends_on_its_student_and_on_who_taught_it(student):
    run, teacher = student
    part, scorer = run.folder / PART, teacher / PART / "scorer.keras"
    assert depends_on(run) == {
        f"{PART}/student.keras": digest(part / "student.keras"),
        str(scorer): digest(scorer),
    }
    assert json.loads((part / "teacher.json").read_text())["sha256"] == digest(scorer)


def test_a_retrained_teacher_is_noticed_when_its_student_is_trained_on_evaluated_or_reported(student):
    run, teacher = student
    scorer = teacher / PART / "scorer.keras"
    before = digest(scorer)
    retrain(scorer)
    told = rf"scorer\.keras: found a teacher of SHA-256 {digest(scorer)}; expected {before}, which taught"
    for use in (
        lambda: train(taught_by(teacher), run.folder),
        lambda: evaluate(run),
        lambda: depends_on(run),
    ):
        with pytest.raises(RunError, match=told):
            use()


def test_a_teacher_that_is_gone_is_remembered(student):
    run, teacher = student
    expected = depends_on(run)
    shutil.rmtree(teacher)
    assert depends_on(run) == expected


def test_a_run_from_before_teachers_were_recorded_depends_on_the_one_that_is_there(student):
    run, teacher = student
    expected = depends_on(run)
    (run.folder / PART / "teacher.json").unlink()
    assert depends_on(run) == expected
    shutil.rmtree(teacher)
    with pytest.raises(RunError, match=r"scorer\.keras: no such file; expected the teacher of"):
        depends_on(run)


def test_a_finished_teacher_that_is_trained_again_is_the_same_file(teacher):
    before = {file: digest(file) for file in teacher.rglob("*.keras")}
    train(read_config(overrides=CONTRASTIVE), teacher)
    assert {file: digest(file) for file in teacher.rglob("*.keras")} == before and len(before) == 3


def test_a_run_without_a_student_depends_on_what_is_measured(teacher):
    scorer = teacher / PART / "scorer.keras"
    assert depends_on(Run(teacher)) == {f"{PART}/scorer.keras": digest(scorer)}


def test_an_si_beatgan_depends_on_its_teachers_generator(runs, tmp_path):
    folder, config = tmp_path / "teacher", read_config(overrides=BEATGAN)
    train(config, folder)
    generator = folder / PART / "generator.keras"
    before = digest(generator)
    train(config, folder)
    assert digest(generator) == before
    taught = read_config(overrides=[*BEATGAN, f"distillation.teacher={folder}"])
    run = train(taught, tmp_path / "run")
    selected = run.folder / PART / "label_free.keras"
    found = {f"{PART}/label_free.keras": digest(selected), str(generator): before}
    assert depends_on(run) == found
    assert f"{PART}/labelled.keras" in depends_on(run, "labelled")
    train(read_config(overrides=[*BEATGAN, "train.epochs=2"]), folder)
    assert digest(generator) != before  # trained on, it is another teacher
    with pytest.raises(RunError, match=f"found a teacher of SHA-256 {digest(generator)}; expected {before}"):
        train(taught, run.folder)


def test_an_unfinished_run_has_nothing_to_depend_on(teacher, tmp_path):
    for name in ("config.json", "run.json"):
        shutil.copy(teacher / name, tmp_path)
    with pytest.raises(RunError, match=r"scorer\.keras: no such file; expected a finished run"):
        depends_on(Run(tmp_path))


def test_a_record_stays_as_it_was_made(tmp_path):
    first, other = tmp_path / "first.keras", tmp_path / "other.keras"
    first.write_bytes(b"first")
    other.write_bytes(b"other")
    record_teacher(tmp_path / PART, first)
    record_teacher(tmp_path / PART, first)
    with pytest.raises(RunError, match="which taught in"):
        record_teacher(tmp_path / PART, other)
    assert json.loads((tmp_path / PART / "teacher.json").read_text())["sha256"] == digest(first)
