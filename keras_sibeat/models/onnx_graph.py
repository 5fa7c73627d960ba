"""A float student as an ONNX model, and what ONNX Runtime makes of windows.

Keras converts it, by tf2onnx, which with the package onnx and ONNX Runtime is optional: no other part needs
them.
"""

import importlib.util
import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sibeat.errors import ExportError
from keras_sibeat.models.inference import BATCH
from keras_sibeat.models.outputs import student_outputs
from keras_sibeat.models.tflite import Inputs

PACKAGES = ("tf2onnx", "onnx", "onnxruntime")


def need_onnx() -> None:
    """Raise ``ExportError`` where a package is missing that ONNX needs."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ExportError(
            f'ONNX: found no {", ".join(missing)}; expected pip install "keras_sibeat[onnx]" before.'
        )


def convert_onnx(network: keras.Model) -> bytes:
    """The bytes of a float student as an ONNX model of batches of any size.

    Its inputs are named ``window`` and, for a wearer's student, ``rhythm``; its outputs ``score`` and, where
    there are, ``residuals``. All are float32, of the same shapes as in Keras.

    Raises ``ExportError`` where a package is missing, and whatever tf2onnx raises for an operation that it
    lacks.
    """
    need_onnx()
    import onnx

    named = keras.Model(network.input, student_outputs(network.outputs), name=network.name)
    named(keras.tree.map_structure(lambda entry: np.zeros((1, *entry.shape[1:]), "float32"), network.input))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras makes tf2onnx bear NumPy 2, which NumPy warns of
        file = Path(folder) / "student.onnx"
        named.export(file, format="onnx", verbose=False)
        model = onnx.load(file)
    model.graph.name, model.graph.doc_string = network.name, ""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def with_metadata(content: bytes, metadata: Mapping[str, Any]) -> bytes:
    """The ONNX model with ``metadata`` in its ``metadata_props``: texts as they are, other values as JSON."""
    import onnx

    model = onnx.load_from_string(content)
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        for key, value in metadata.items()
    }
    onnx.helper.set_model_props(model, texts)
    return model.SerializeToString()


def run_onnx(content: bytes, windows: Inputs) -> dict[str, np.ndarray]:
    """What ONNX Runtime makes of ``windows``, by the name of the output: float32, ``(windows, …)``.

    ``windows`` are as those of ``keras_sibeat.models.tflite.convert``.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = windows if isinstance(windows, Mapping) else {session.get_inputs()[0].name: windows}
    names, count = [entry.name for entry in session.get_outputs()], len(next(iter(inputs.values())))
    parts = [
        session.run(names, {name: array[first : first + BATCH] for name, array in inputs.items()})
        for first in range(0, count, BATCH)
    ]
    return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))


def predict_onnx(content: bytes, windows: Inputs) -> np.ndarray:
    """A student's scores ``(windows, 1)`` by ONNX Runtime; arguments as of ``run_onnx``."""
    return run_onnx(content, windows)["score"]
