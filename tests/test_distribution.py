"""Training on two replicas, in one process and in two, against one process that sees the whole batches."""

import json
import threading

import distribution_worker as worker
import keras
import numpy as np
import pytest
import tensorflow as tf
from processes import addresses, start, task, wait

from keras_sibeat import distribution
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.losses import nt_xent
from keras_sibeat.models import beatgan
from keras_sibeat.models.networks import conv_discriminator, conv_generator
from keras_sibeat.models.student import student

PROCESSES = ("mirrored", "worker-0", "worker-1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What each process found, by its name; "alone" is this one. Folders of the same names."""
    folder, workers = tmp_path_factory.mktemp("runs"), addresses()
    environments = {"mirrored": ("mirrored", {})}
    for index in range(2):
        environments[f"worker-{index}"] = "multi_worker", {"TF_CONFIG": task(index, workers)}
    processes = {}
    for name, (strategy, environment) in environments.items():
        (folder / name).mkdir()
        log = folder / name / "log"
        processes[log] = start(worker.__file__, [strategy, folder / name / "found.npz"], log, **environment)
    try:
        (folder / "alone").mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(beatgan, "COLLAPSED", worker.COLLAPSED)
            alone = worker.train(tf.distribute.get_strategy(), folder / "alone")
    finally:
        wait(processes)
    return {"folder": folder, "alone": alone} | {
        name: dict(np.load(folder / name / "found.npz")) for name in environments
    }


@pytest.mark.parametrize("name", PROCESSES)
def test_losses_are_those_of_one_process(runs, name):
    alone, found = runs["alone"], runs[name]
    names = ("loss", "rebuild_loss", "feature_loss", "discriminator_loss", "reinitialised")
    assert found["replicas"] == 2
    for key in [f"{when}/{metric}" for when in ("batch", "epoch") for metric in names]:
        np.testing.assert_allclose(found[key], alone[key], rtol=1e-5, err_msg=key)


def test_some_steps_reinitialise_and_the_last_does_not(runs):
    counts = runs["alone"]["batch/reinitialised"].reshape(worker.EPOCHS, -1)
    happened = np.diff(counts, axis=1, prepend=0)
    assert 0 < happened.sum() < happened.size and happened[-1, -1] == 0


@pytest.mark.parametrize("name", PROCESSES)
def test_weights_and_optimizers_are_those_of_one_process(runs, name):
    alone, found = runs["alone"], runs[name]
    keys = [key for key in alone if key.startswith("variable/")]
    assert keys == [key for key in found if key.startswith("variable/")]
    for key in keys:
        assert len(found[key]) == (2 if name == "mirrored" else 1)
        for copy in found[key]:
            np.testing.assert_allclose(copy, alone[key][0], atol=1e-5, rtol=1e-5, err_msg=key)
            np.testing.assert_array_equal(copy, found[key][0])


def test_training_has_moved_every_weight(runs):
    shape = {"length": worker.LENGTH, "width": 2, "depth": 2}
    fresh = conv_generator(**shape, latent=3, seed=0).weights + conv_discriminator(**shape, seed=1).weights
    trained = keras.saving.load_model(runs["folder"] / "alone" / "model.keras")
    for before, after in zip(fresh, trained.generator.weights + trained.discriminator.weights, strict=True):
        assert np.abs(before.numpy() - after.numpy()).max() > 1e-3, before.path


def test_both_workers_hold_the_same_numbers(runs):
    first, second = runs["worker-0"], runs["worker-1"]
    keys = [key for key in first if key.startswith(("variable/", "batch/", "epoch/"))]
    assert len(keys) > 40
    for key in [*keys, "rebuilt", "evaluated"]:
        np.testing.assert_array_equal(first[key], second[key], err_msg=key)


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_rebuilds_all_windows(runs, name):
    assert runs[name]["rebuilt"].shape == (7, worker.LENGTH, 1)
    np.testing.assert_allclose(runs[name]["rebuilt"], runs["alone"]["rebuilt"], atol=1e-5)
    assert runs[name]["evaluated"] == pytest.approx(runs["alone"]["evaluated"], rel=1e-5)
    wanted = np.mean((worker.windows()[:7] - runs["alone"]["rebuilt"]) ** 2)
    assert runs["alone"]["evaluated"] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("name", PROCESSES)
def test_several_replicas_are_not_compiled_by_xla(runs, name):
    assert not runs[name]["jit_compile"]


def test_only_the_chief_writes(runs):
    files = {name: (runs["folder"] / name / "model.keras").exists() for name in PROCESSES}
    assert files == {"mirrored": True, "worker-0": True, "worker-1": False}
    model = keras.saving.load_model(runs["folder"] / "worker-0" / "model.keras")
    rebuilt = model.predict(worker.windows()[:7], verbose=0)
    np.testing.assert_allclose(rebuilt, runs["alone"]["rebuilt"], atol=1e-5)


def replicas_of(runs, names, key):
    """``key`` of each replica of these processes, in the replicas' order."""
    numbers = np.concatenate([runs[name]["replica"] for name in names])
    assert sorted(numbers) == [0, 1]
    return np.concatenate([runs[name][key] for name in names])[np.argsort(numbers)]


@pytest.mark.parametrize("names", [("mirrored",), ("worker-0", "worker-1")])
def test_nt_xent_meets_the_negatives_of_all_replicas(runs, names):
    whole = [tf.constant(x) for x in worker.projections()]
    with tf.GradientTape() as tape:
        tape.watch(whole)
        loss = nt_xent(*whole[:2], 0.5, negatives=whole[2])
    found = replicas_of(runs, names, "nt_xent")
    assert found.mean() == pytest.approx(float(loss), rel=1e-5)
    halves = zip(*(np.split(x, 2) for x in worker.projections()), strict=True)
    local = [float(nt_xent(first, second, 0.5, negatives)) for first, second, negatives in halves]
    assert np.all(found > np.array(local) + 0.1)  # fewer negatives, an easier task
    for key, wanted in zip(("first", "second", "negatives"), tape.gradient(loss, whole), strict=True):
        np.testing.assert_allclose(np.concatenate(replicas_of(runs, names, key)), wanted, atol=1e-6)


@pytest.mark.parametrize("names", [("mirrored",), ("worker-0", "worker-1")])
def test_gather_stacks_the_rows_of_all_replicas(runs, names):
    for gathered in replicas_of(runs, names, "gathered"):
        np.testing.assert_array_equal(gathered, worker.projections()[2])


def test_alone_nothing_is_exchanged():
    x, metric = tf.constant([[1.0], [2.0]]), keras.metrics.Mean(name="loss")
    metric.update_state(3.0)
    assert distribution.replicas() == 1
    assert distribution.gather(x) is x and distribution.share(x) is x
    assert distribution.average([x])[0] is x
    assert distribution.step_logs([metric])["loss"].shape == ()
    np.testing.assert_array_equal(distribution.row_numbers(3), [0, 1, 2])


@pytest.mark.parametrize("synchronized", [True, False])
def test_all_normalisations_are_synchronized_or_none(synchronized):
    shape = {"length": 24, "width": 2, "depth": 3, "synchronized": synchronized}
    networks = (
        (conv_generator(**shape, latent=3), 5),
        (conv_discriminator(**shape), 2),
        (student(**shape), 3),
    )
    for network, count in networks:
        layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert [layer.synchronized for layer in layers] == [synchronized] * count


def test_strategies_open_by_name():
    assert distribution.open_strategy("none") is tf.distribute.get_strategy()
    mirrored = distribution.open_strategy("mirrored")
    assert type(mirrored) is tf.distribute.MirroredStrategy
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    assert mirrored.num_replicas_in_sync == len(devices)
    assert distribution.open_strategy("mirrored") is mirrored


def test_an_unknown_strategy_is_an_error():
    with pytest.raises(ConfigError, match="found 'tpu', expected one of none, mirrored, multi_worker"):
        distribution.open_strategy("tpu")


@pytest.mark.parametrize("text", [None, ""])
def test_several_workers_without_tf_config_are_an_error(monkeypatch, text):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match="TF_CONFIG: found none; expected"):
        distribution.open_strategy("multi_worker")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"cluster": {"worker": ["localhost:1"]}}',
        '{"task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["localhost:1"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": "first"}}',
        task(2),
        task(-1),
    ],
)
def test_a_tf_config_without_cluster_and_task_is_an_error(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match="TF_CONFIG: found .*; expected JSON as") as caught:
        distribution.open_strategy("multi_worker")
    assert text in str(caught.value) and "\n" not in str(caught.value)


def with_chief(kind):
    cluster = {"chief": ["localhost:1"], "worker": ["localhost:2"]}
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": 0}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, True),
        ("{}", True),
        (task(0), True),
        (task(1), False),
        (with_chief("chief"), True),
        (with_chief("worker"), False),
    ],
)
def test_one_process_of_a_cluster_is_the_chief(monkeypatch, text, expected):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert distribution.is_chief() is expected


def test_a_file_that_another_process_writes_is_awaited(tmp_path):
    threading.Timer(0.3, (tmp_path / "late").touch).start()
    distribution.await_file(tmp_path / "late", 10)
    with pytest.raises(RunError, match="never: found no file after 0.2 s; expected that the chief writes it"):
        distribution.await_file(tmp_path / "never", 0.2)
