"""Training on several replicas: the strategy, what its replicas exchange, and which process writes files.

In a step each replica sees its part of the batch. Keras optimizers add the replicas' gradients up, so a loss
that is a mean over the part enters the gradient as ``share(loss)``: all parts together then have the gradient
of the mean over the whole batch, as long as the parts are of one size.
"""

import functools
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops

from keras_sibeat.errors import BackendError, ConfigError, RunError

try:
    from keras_sibeat.layers.backend import tf
except BackendError:  # another backend knows no strategy: there is one replica
    tf = None

STRATEGIES = ("none", "mirrored", "multi_worker")


@functools.cache
def open_strategy(name: str) -> "tf.distribute.Strategy":
    """The ``tf.distribute`` strategy of this name, in whose scope models and optimizers are to be made.

    A process has one of each name: two strategies would give their collective operations the same numbers.

    - ``none``: TensorFlow's default, one device;
    - ``mirrored``: one replica on each GPU or, where there is none, on each logical CPU;
    - ``multi_worker``: one replica on each device of the processes that ``TF_CONFIG`` lists. TensorFlow wants
      this strategy opened before anything else in the process computes.

    Raises:
        ConfigError: an unknown name, or a ``TF_CONFIG`` that is missing or names no cluster and task.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi_worker":
        _cluster_and_task()
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise ConfigError(f"Strategy: found {name!r}, expected one of {', '.join(STRATEGIES)}.")


def _cluster_and_task():
    """``TF_CONFIG``'s cluster (kind of task → addresses) and the kind and index of this process's task."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise ConfigError("TF_CONFIG: found none; expected the cluster and this process's task in JSON.")
    try:
        values = json.loads(text)
        cluster, kind, index = values["cluster"], values["task"]["type"], int(values["task"]["index"])
        if not 0 <= index < len(cluster[kind]):
            raise IndexError(index)
    except (ValueError, KeyError, TypeError, IndexError):
        raise ConfigError(
            f"TF_CONFIG: found {text}; expected JSON as "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.'
        ) from None
    return cluster, kind, index


def is_chief() -> bool:
    """Whether this process writes the files: in a cluster the chief or, where it has none, worker 0."""
    try:
        cluster, kind, index = _cluster_and_task()
    except ConfigError:  # no cluster
        return True
    return kind == ("chief" if "chief" in cluster else "worker") and index == 0


def await_file(path: Path, seconds: float = 600) -> None:
    """Wait for what another process of the cluster writes; raises ``RunError`` where it does not come."""
    until = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > until:
            raise RunError(f"{path}: found no file after {seconds} s; expected that the chief writes it.")
        time.sleep(0.1)


def replicas() -> int:
    """The number of replicas in the current strategy, 1 without one."""
    return tf.distribute.get_strategy().num_replicas_in_sync if tf else 1


def _context():
    """The context of this replica among several; none where it is alone or no step is running."""
    context = tf.distribute.get_replica_context() if tf else None
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def share(value: keras.KerasTensor) -> keras.KerasTensor:
    """This replica's part in a mean over all replicas of ``value``: divided by their number."""
    count = replicas()
    return value if count == 1 else value / count


def gather(x: keras.KerasTensor) -> keras.KerasTensor:
    """The ``x`` (rows, ...) of all replicas, one below the other; gradients flow back to all of them."""
    context = _context()
    return x if context is None else context.all_gather(x, axis=0)


def average(values: list[keras.KerasTensor]) -> list[keras.KerasTensor]:
    """A list of values, each the mean over all replicas: the same numbers on each of them."""
    context = _context()
    return values if context is None else context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def row_numbers(rows: int) -> keras.KerasTensor:
    """A number for each of this replica's ``rows`` that no other row of any replica has, in float32."""
    context, numbers = _context(), ops.arange(rows, dtype="float32")
    if context is None:
        return numbers
    return numbers * replicas() + ops.cast(context.replica_id_in_sync_group, "float32")


def step_logs(metrics: Sequence[keras.metrics.Metric]) -> dict[str, keras.KerasTensor]:
    """What a ``train_step`` or ``test_step`` returns: the metrics' results by name, as ``fit`` reduces them.

    Across processes Keras takes the mean over the first axis, which a scalar lacks. Callbacks get floats: at
    the end of a batch that mean, at the end of an epoch what the metrics have counted on all replicas.
    """
    logs = {metric.name: metric.result() for metric in metrics}
    strategy = tf.distribute.get_strategy()
    if replicas() > 1 and replicas() > len(strategy.extended.worker_devices):  # replicas elsewhere, too
        logs = {name: ops.reshape(result, (1,)) for name, result in logs.items()}
    return logs
