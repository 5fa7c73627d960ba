"""An exported ONNX model: how near its outputs are to Keras's, and what its metadata say."""

from typing import Any

import numpy as np

from keras_sibeat.evaluate.metrics import usual_score
from keras_sibeat.export.alarm_rate import AlarmRate
from keras_sibeat.export.gate import Verdict
from keras_sibeat.export.manifest import describe_input, describe_origin
from keras_sibeat.export.sources import Source
from keras_sibeat.models.inference import predict
from keras_sibeat.models.onnx_graph import run_onnx, with_metadata
from keras_sibeat.models.outputs import student_outputs
from sibeat_edge.model.manifest import WEARER, tensor_names

LARGEST_DIFFERENCE = 1e-4  # between an output of ONNX Runtime and of Keras


def complete(
    source: Source, content: bytes, scores: np.ndarray, verdict: Verdict, rate: AlarmRate
) -> tuple[bytes, float]:
    """The model with its metadata, and the largest difference of its outputs from Keras's.

    All outputs of the validation beats are compared.

    Args:
        content: bytes of the ONNX model.
        scores: that it gives the validation beats, ``(beats,)``.
        verdict: of the gate.
        rate: false alarms that the threshold is set for.
    """
    inputs = source.fold.validation.inputs
    found, wanted = run_onnx(content, inputs), student_outputs(predict(source.network, inputs))
    largest = max(float(np.abs(found[name] - wanted[name]).max()) for name in wanted)
    return with_metadata(content, make_metadata(source, scores, verdict, rate)), largest


def too_different(largest: float) -> list[str]:
    """A sentence, as a ``Verdict`` has for its failures, where the outputs differ by more than they may.

    >>> too_different(2e-6), too_different(0.5)
    ([], ['difference from Keras: found 0.5, expected at most 0.0001'])
    """
    if largest <= LARGEST_DIFFERENCE:
        return []
    return [f"difference from Keras: found {largest:.4g}, expected at most {LARGEST_DIFFERENCE:g}"]


def make_metadata(source: Source, scores: np.ndarray, verdict: Verdict, rate: AlarmRate) -> dict[str, Any]:
    """What the file says of itself: the fields of an int8 model's manifest that tell how to use it.

    Arguments as of ``complete``.
    """
    fold, wearer = source.fold, source.config.wearer
    judged = scores, fold.validation, ~fold.is_abnormal(fold.validation)
    residuals = len(source.network.outputs) > 1
    return {
        **describe_input(source),
        "wearer": {**WEARER, "waits": wearer.waits} if wearer else None,
        "tensors": tensor_names({"wearer": wearer, "residuals": residuals}),
        "threshold": {
            "score": float(verdict.threshold),
            "usual": float(usual_score(*judged, verdict.threshold, rate.share)),
            "false_alarms_per_hour": float(rate.per_hour),
        },
        **describe_origin(source),
    }
