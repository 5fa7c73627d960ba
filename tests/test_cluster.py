"""The whole training on several replicas, against the same on one."""

import json

import chain_worker
import checkpoints
import numpy as np
import pytest
from processes import addresses, start, task, wait

BEATGAN = [*checkpoints.SMALL, "train.jit_compile=false", "train.epochs=2"]
CONTRASTIVE = [*checkpoints.CONTRASTIVE, "train.epochs=1"]
# Where nothing is drawn at random, two replicas learn what one does.
STILL = [*CONTRASTIVE, "contrastive.views={gain={strength=0}}", "contrastive.shifts=[]"]
STILL += ["contrastive.shift_weight=0", "contrastive.pretrain.epochs=1"]
STILL += ["score.combine=['rebuild', 'mahalanobis', 'prototypes']"]
STUDENT = [*checkpoints.STUDENT, "student.epochs=1", "student.batch_size=16"]
WEARER = [*STUDENT, "data.wearers=6", "data.seconds=180", "protocol.name=inter_patient"]
WEARER += ["wearer.sequences=4"]
WEARER += ["contrastive.shifts=['wide_qrs', 'other_wearer']", "score.combine=['shift', 'template', 'rhythm']"]
# Largest share of a change that another order of summing makes. The contrastive losses are steeper, and
# Adam's steps do not know how small a gradient is.
DRIFT, CONTRASTIVE_DRIFT = 1e-3, 0.05


def run(folder, *runs, devices=1, workers=0):
    """Train the ``runs``, each a folder's name and its settings.

    Returns what each process found of the models that it fitted. One process has so many ``devices``; or so
    many ``workers`` form a cluster.
    """
    folder.mkdir(exist_ok=True)
    strategy = "multi_worker" if workers else "mirrored" if devices > 1 else "none"
    words = []
    for name, settings in runs:
        words += ["--", folder / name, *settings, f"distribute.strategy={strategy}"]
    hosts, processes = addresses(workers), {}
    for number in range(max(workers, 1)):
        log = folder / f"{number}.log"
        environment = {"TF_CONFIG": task(number, hosts)} if workers else {}
        arguments = [devices, log.with_suffix(".npz"), *words[1:]]
        processes[log] = start(chain_worker.__file__, arguments, log, **environment)
    wait(processes)
    return [dict(np.load(log.with_suffix(".npz"))) for log in processes]


def fits(found):
    """Of each model that a process fitted its variables before and after, each one copy a replica."""
    for number in range(sum(key.endswith("/name") for key in found)):
        count = sum(key.startswith(f"{number}/after/") for key in found)
        yield [[found[f"{number}/{when}/{n}"] for n in range(count)] for when in ("before", "after")]


def assert_replicas_agree(processes, replicas):
    """Bit for bit, in all processes, after models that have moved."""
    for models in zip(*(fits(found) for found in processes), strict=True):
        copies = [np.concatenate(values) for values in zip(*(after for _, after in models), strict=True)]
        for values in copies:
            assert len(values) == replicas and np.isfinite(values).all()
            np.testing.assert_array_equal(values, np.broadcast_to(values[0], values.shape))
        before, after = models[0]
        moved = [not np.array_equal(*pair) for pair in zip(before, after, strict=True)]
        assert np.mean(moved) > 0.5


def assert_same_changes(found, wanted, drift):
    """How far the models are apart in the end, relative to how far training has moved them."""
    (_, after), (start, end) = found, wanted
    for place, (other, first, last) in enumerate(zip(after, start, end, strict=True)):
        apart = np.linalg.norm(np.subtract(other[0], last[0], dtype="float64"))
        change = np.linalg.norm(np.subtract(last[0], first[0], dtype="float64"))
        assert apart <= drift * change, (place, first.shape, apart, change)


def metrics(folder):
    return json.loads((folder / "fold0-seed0" / "metrics.json").read_text())


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The models that one process with one device fits: BeatGAN, SimCLR, the contrastive BeatGAN."""
    folder = tmp_path_factory.mktemp("alone")
    (found,) = run(folder, ("beatgan", BEATGAN), ("contrastive", STILL))
    return folder, list(fits(found))


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mirrored")
    runs = [("contrastive", STILL), ("student", STUDENT), ("wearer", WEARER)]
    return folder, run(folder, *runs, devices=2)


def test_two_devices_train_students_and_their_teachers(mirrored):
    folder, found = mirrored
    assert_replicas_agree(found, replicas=2)
    names = [str(found[0][f"{number}/name"]).rstrip("_0123456789") for number in range(6)]
    assert names == ["sim_clr", "contrastive_beat_gan", *2 * ["contrastive_beat_gan", "distiller"]]
    assert {file.name for file in (folder / "student/fold0-seed0").glob("*.keras")} == {
        "student.keras",
        "residuals.keras",
    }
    assert (folder / "wearer/fold0-seed0/student.keras").exists()


def test_two_devices_learn_what_one_does(alone, mirrored):
    for found, wanted in zip(list(fits(mirrored[1][0]))[:2], alone[1][1:], strict=True):
        assert_same_changes(found, wanted, CONTRASTIVE_DRIFT)


def test_two_workers_train_and_resume_beatgan_as_one_process_does(alone, tmp_path):
    first = run(tmp_path, ("beatgan", [*BEATGAN, "train.epochs=1"]), workers=2)
    second = run(tmp_path, ("beatgan", BEATGAN), workers=2)
    for found in (first, second):
        assert_replicas_agree(found, replicas=2)
    (begun,), (ended,) = fits(first[0]), fits(second[0])
    for before, resumed in zip(begun[1], ended[0], strict=True):
        np.testing.assert_array_equal(before, resumed)
    assert_same_changes((begun[0], ended[1]), alone[1][0], DRIFT)
    wanted = metrics(alone[0] / "beatgan")
    assert metrics(tmp_path / "beatgan")["auc"] == pytest.approx(wanted["auc"], abs=1e-3)


def test_two_workers_train_the_contrastive_beatgan_as_one_process_does(alone, tmp_path):
    found = run(tmp_path, ("contrastive", STILL), workers=2)
    assert_replicas_agree(found, replicas=2)
    for got, wanted in zip(fits(found[0]), alone[1][1:], strict=True):
        assert_same_changes(got, wanted, CONTRASTIVE_DRIFT)


def test_two_workers_train_a_wearer_s_student_and_its_teacher(tmp_path):
    found = run(tmp_path, ("wearer", WEARER), workers=2)
    assert_replicas_agree(found, replicas=2)
    part = tmp_path / "wearer/fold0-seed0"
    assert {"student.keras", "metrics.json"} <= {file.name for file in part.iterdir()}
    assert (part / "teacher/scorer.keras").exists()
