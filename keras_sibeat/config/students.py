"""The section of a configuration about the compact student, and the noise that it learns to see through."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from keras_sibeat.config.checks import one_of, unique
from keras_sibeat.config.learning import Weight
from keras_sibeat.config.sections import Section
from keras_sibeat.layers.names import DISTILLATION_WEIGHTS, TAILS

LossName = Annotated[str, one_of(DISTILLATION_WEIGHTS)]
TailName = Annotated[str, one_of(TAILS)]


class NoisyRecordings(Section):
    """Recordings of wearers that an expert called too noisy to read, from which noise is cut.

    >>> NoisyRecordings(folder="cinc2017", records=("A0[0-2]*",)).reference
    '~'
    """

    folder: Path
    """Of WFDB records, within the data's folder."""
    reference: str = "~"
    """Only the recordings to which the folder's REFERENCE.csv gives this label."""
    records: Annotated[tuple[str, ...], Field(min_length=1)]
    """Their names, or patterns of them."""


class Noise(Section):
    """Recorded noise that a student learns to see through.

    >>> Noise(folder="nstdb_noise").snr
    (0.0, 24.0)
    """

    folder: Path
    """Of WFDB records of noise, within the data's folder; the first half of each trains, by time."""
    snr: tuple[float, float] = (0.0, 24.0)
    """Lowest and highest ratio of a window's power to the noise's, dB."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Of the beats that get noise."""
    cut: NoisyRecordings | None = None
    """Whole noisy recordings, beside the noise of the folder."""

    @field_validator("snr")
    @classmethod
    def _rises(cls, snr: tuple[float, float]) -> tuple[float, float]:
        if snr[0] > snr[1]:
            raise ValueError("expected the lowest ratio, then the highest")
        return snr


class Student(Section):
    """The compact student, and how a contrastive BeatGAN teaches it.

    >>> Student(weights={"rebuilt": 0}).rebuilds
    False
    """

    teacher: Path | None = None
    """A finished run's folder; without one the teacher is trained first."""
    distil: bool = True
    """false: no teacher, the contrastive losses alone, to see what the teacher brings."""
    width: Annotated[int, Field(ge=1)] = 12
    """Filters of the first convolution; each later one has a third of them more."""
    depth: Annotated[int, Field(ge=1, le=7)] = 6
    """Convolutions."""
    units: Annotated[int, Field(ge=1)] = 24
    """Of the embedding."""
    epochs: Annotated[int, Field(ge=1)] = 30
    """Of the student."""
    batch_size: Annotated[int, Field(ge=2)] = 256
    """Of the student."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-2
    """Of the student."""
    warmup_epochs: Annotated[float, Field(ge=0)] = 1.0
    """Over which the learning rate rises."""
    weights: dict[LossName, Weight] = {}
    """Of its losses `score`, `prototypes`, `rebuilt` (1 each) and `embedding` (0.1), where others."""
    temperature: Annotated[float, Field(gt=0)] = 0.1
    """Of the prototypes' soft targets."""
    cap: Annotated[float, Field(gt=0)] = 8.0
    """Of the score, in nats."""
    tail: TailName = "flat"
    """What the score does above the cap: `flat`, or `log`, by which its logarithm goes on."""
    noise: Noise | None = None
    """Recorded noise, misplaced R-peaks and changes of contact, to be seen through by a wearer's student."""
    unlabelled: tuple[str, ...] = ()
    """Records whose beats, normal or not, it learns from, too."""

    @property
    def rebuilds(self) -> bool:
        """Whether it learns to rebuild a beat."""
        return self.distil and self.weights.get("rebuilt", DISTILLATION_WEIGHTS["rebuilt"]) > 0

    @field_validator("unlabelled")
    @classmethod
    def _unlabelled_differ(cls, records: tuple[str, ...]) -> tuple[str, ...]:
        return unique(records)
