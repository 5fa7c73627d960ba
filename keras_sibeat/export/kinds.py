"""What the device names beats with an exported wearer's model, and what with the float student."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from keras_sibeat.data.recording import read_recording
from keras_sibeat.data.sources import find_record
from keras_sibeat.export.alarm_rate import AlarmRate
from keras_sibeat.export.manifest import thresholds
from keras_sibeat.export.sources import Source
from keras_sibeat.models.tensors import read_tensors
from keras_sibeat.models.tflite import convert
from sibeat_edge.model.manifest import Manifest
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import score_recording

LONGEST = 1800.0  # s of a recording that are played
PLAYED = 7200.0  # s of all recordings together: some ten seconds of computing for each model
FINE = {"scale": 1e-6, "zero_point": 0}  # levels between which a threshold of float scores lies


@dataclass(frozen=True)
class Kinds:
    """What two models make of the same beats.

    Attributes:
        flipped: share of the beats that they name otherwise; None where none was named.
        played: beats that at least one of them names.

    >>> Kinds.compare(["N", "V", ""], ["N", "S", ""])
    Kinds(flipped=0.5, played=2)
    """

    flipped: float | None
    played: int

    @classmethod
    def compare(cls, first: list[str], second: list[str]) -> "Kinds":
        """Of the kinds of the same beats; an empty text for a beat without a score."""
        named = [pair for pair in zip(first, second, strict=True) if any(pair)]
        return cls(float(np.mean([a != b for a, b in named])) if named else None, len(named))


class FloatModel(Model):
    """A float student with the interface of the device's ``Model``, so that a ``BeatScorer`` plays it.

    Args:
        content: bytes of a float32 ``.tflite`` file.
        manifest: that of the int8 model, with the float scores' threshold.
    """

    def __init__(self, content: bytes, manifest: Manifest) -> None:
        self.manifest, self.leads = manifest, len(manifest["signal"]["leads"])
        kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter = Interpreter(
            model_content=content, num_threads=1, experimental_op_resolver_type=kernels
        )
        self._interpreter.allocate_tensors()
        self._tensors = read_tensors(content)

    def scores(self, *beats: np.ndarray) -> list[float]:
        """The scores of several beats, as ``Model.scores``."""
        return [self._one(*beat) for beat in zip(*beats, strict=True)]

    def _one(self, *beat):
        details = self._interpreter.get_input_details()
        for part, tensor in zip(beat, self._tensors.inputs_of([part.shape for part in beat]), strict=True):
            self._interpreter.set_tensor(details[tensor.place]["index"], part[None].astype(np.float32))
        self._interpreter.invoke()
        output = self._interpreter.get_output_details()[self._tensors.score.place]
        return float(self._interpreter.get_tensor(output["index"])[0, 0])


def compare_kinds(
    source: Source, content: bytes, float_scores: np.ndarray, threshold: float, rate: AlarmRate
) -> Kinds:
    """Play validation recordings as the device would, with an exported wearer's model and the float student.

    Each model has its own threshold, and so its own of each wearer. The R-peaks are detected, and a beat's
    last judgement counts. At most half an hour of a recording is played, and two hours in all; the
    recordings are drawn at random, with a seed.

    Args:
        content: of the int8 model with its manifest.
        float_scores: of the float student and the validation beats, ``(beats,)``.
        threshold: of these scores.
        rate: of false alarms that both thresholds are set for.
    """
    model, validation = Model(content), source.fold.validation
    float_manifest = {
        **model.manifest,
        "score": FINE,
        **thresholds(source.fold, float_scores, threshold, rate, FINE),
    }
    beats = validation.inputs
    floats = FloatModel(convert(source.network, beats, "float32"), float_manifest)
    pairs: list[list[str]] = [[], []]
    seconds = 0.0
    for record in np.random.default_rng(0).permutation(np.unique(validation.records)):
        signal, hertz = _signal(source.config, str(record))
        for each, kinds in zip((floats, model), pairs, strict=True):
            kinds += [beat.kind for beat in score_recording(each, signal, hertz)]
        seconds += len(signal) / hertz
        if seconds >= PLAYED:
            break
    return Kinds.compare(*pairs)


def _signal(config: Any, record: str) -> tuple[np.ndarray, float]:
    """The leads of a record's begin, (samples, leads) in mV, and their rate in Hz."""
    path, section = find_record(config, record)
    recording = read_recording(path, None, section.leads)
    return recording.signal[: round(LONGEST * recording.rate)].astype(np.float64), recording.rate
