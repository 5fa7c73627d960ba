"""The sections of a configuration that say what learns, from whom, and how it scores."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_serializer, model_validator

from keras_sibeat.config.checks import known, one_of, unique
from keras_sibeat.config.sections import Section
from keras_sibeat.layers.names import (
    DISTILLATION_WEIGHTS,
    MEASURE_NAMES,
    SCORES,
    SHIFT_NAMES,
    SHIFTS_OF_A_BEAT,
    TAILS,
    VIEW_SETTINGS,
)

Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
LossName = Annotated[str, one_of(DISTILLATION_WEIGHTS)]
ScoreName = Annotated[str, one_of(SCORES)]
MeasureName = Annotated[str, one_of(MEASURE_NAMES)]
TailName = Annotated[str, one_of(TAILS)]


class Model(Section):
    """BeatGAN's networks: convolutional, or dense as published for motion capture.

    >>> Model(width=16).kind
    'conv'
    """

    kind: Literal["conv", "dense"] = "conv"
    width: Annotated[int, Field(ge=1)] = 32
    depth: Annotated[int, Field(ge=1, le=8)] = 5
    units: tuple[Annotated[int, Field(ge=1)], ...] = (256, 128, 32)
    latent: Annotated[int, Field(ge=1)] = 50
    feature_weight: Annotated[float, Field(ge=0)] = 1.0
    time_warp: Annotated[int, Field(ge=0)] = 0  # samples removed and inserted a side; 0 turns it off


class Train(Section):
    """How the networks are trained.

    >>> Train(epochs=3).batch_size
    64
    """

    epochs: Annotated[int, Field(ge=1)] = 8
    batch_size: Annotated[int, Field(ge=1)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.5
    jit_compile: bool = True


class Start(Section):
    """Whose networks a run begins with, in place of random ones.

    >>> Start(**{"from": "runs/before"}).trunk
    'trained'
    """

    origin: Annotated[str, Field(alias="from", min_length=1)]  # a finished run's folder, or a preset's name
    trunk: Literal["trained", "frozen"] = "trained"  # what makes a beat's embedding: trained on, or kept

    @model_serializer
    def _as_written(self) -> dict[str, str]:
        return {"from": self.origin, "trunk": self.trunk}


class Pretrain(Section):
    """SimCLR on the trunk alone, before the adversarial training (SimCLR v2's first step).

    >>> Pretrain(epochs=12).nt_xent_weight
    1.0
    """

    epochs: Annotated[int, Field(ge=0)] = 0
    nt_xent_weight: Weight = 1.0
    shift_weight: Weight = 0.0
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3


class Contrastive(Section):
    """SimCLR in BeatGAN's discriminator: its heads, views, shifts, losses and optimizer.

    >>> Contrastive(shifts=["bump"]).shifts
    ('bump',)
    """

    head: Literal["v1", "v2"] = "v1"
    units: Annotated[int, Field(ge=1)] = 128
    projection: Annotated[int, Field(ge=1)] = 64
    views: dict[str, dict[str, float | int | tuple[float, float]]] = {
        "smooth_time_warp": {},
        "gain": {},
        "baseline_wander": {},
        "noise": {},
    }
    noise: Path | None = None  # WFDB records for the view recorded_noise
    shifts: tuple[str, ...] = SHIFTS_OF_A_BEAT
    temperature: Annotated[float, Field(gt=0)] = 0.1
    nt_xent_weight: Weight = 1.0
    shift_weight: Weight = 1.0
    adversarial_weight: Weight = 1.0
    hard_negatives: bool = False
    pretrain: Pretrain = Pretrain()
    optimizer: Literal["adam", "lars"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3  # of the discriminator
    scaling: Literal["none", "linear", "sqrt"] = "none"
    warmup_epochs: Annotated[float, Field(ge=0)] = 1.0

    @field_validator("views")
    @classmethod
    def _views_exist(cls, views: dict[str, dict]) -> dict[str, dict]:
        for name in known("views", views, VIEW_SETTINGS):
            known(f"settings of the view {name}", views[name], VIEW_SETTINGS[name])
        return views

    @field_validator("shifts")
    @classmethod
    def _shifts_exist(cls, shifts: tuple[str, ...]) -> tuple[str, ...]:
        return unique(known("shifts", shifts, SHIFT_NAMES))

    @model_validator(mode="after")
    def _weights_fit(self) -> "Contrastive":
        if not (self.nt_xent_weight or self.shift_weight or self.adversarial_weight):
            raise ValueError("found only weights of 0; expected one of the losses to be above")
        if not self.shifts and (self.shift_weight or self.pretrain.shift_weight or self.hard_negatives):
            raise ValueError("found no shifts; expected some, or shift_weight = 0 and no hard_negatives")
        if self.pretrain.epochs and not (self.pretrain.nt_xent_weight or self.pretrain.shift_weight):
            raise ValueError("pretrain: found only weights of 0; expected one of the losses to be above")
        if ("recorded_noise" in self.views) != (self.noise is not None):
            raise ValueError("the view recorded_noise and the folder noise go together")
        return self


class Frskd(Section):
    """The discriminator's trunk teaches itself (FRSKD): width of the self-teacher, and its loss.

    >>> Frskd().width
    0.5
    """

    width: Annotated[float, Field(gt=0)] = 0.5  # relative to the trunk's
    temperature: Annotated[float, Field(gt=0)] = 4.0
    soft_weight: Weight = 1.0
    attention_weight: Weight = 1.0


class Distillation(Section):
    """SI-BeatGAN: the generator learns from the one of a finished run.

    >>> Distillation(teacher="runs/teacher").temperature
    16.0
    """

    teacher: Path  # a run's folder, whose fold and seed of the same number teaches; or a .keras file
    temperature: Annotated[float, Field(gt=0)] = 16.0
    weight: Weight = 1.0


class NoisyRecordings(Section):
    """Recordings of wearers that an expert called too noisy to read, from which noise is cut.

    >>> NoisyRecordings(folder="cinc2017", records=("A0[0-2]*",)).reference
    '~'
    """

    folder: Path  # of WFDB records, within the data's folder
    reference: str = "~"  # only the recordings to which the folder's REFERENCE.csv gives this label
    records: Annotated[tuple[str, ...], Field(min_length=1)]  # their names, or patterns of them


class Noise(Section):
    """Recorded noise that a wearer's student learns to see through.

    >>> Noise(folder="nstdb_noise").snr
    (0.0, 24.0)
    """

    folder: Path  # of WFDB records, within the data's folder; the first half of each, by time
    snr: tuple[float, float] = (0.0, 24.0)  # dB, of a window's power to the noise's
    share: Annotated[float, Field(ge=0, le=1)] = 0.5  # of the beats
    cut: NoisyRecordings | None = None  # whole, beside the noise of the folder

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

    teacher: Path | None = None  # a finished run's folder; without one the teacher is trained first
    distil: bool = True  # off: by NT-Xent and shifts alone, to see what the teacher brings
    width: Annotated[int, Field(ge=1)] = 12
    depth: Annotated[int, Field(ge=1, le=7)] = 6
    units: Annotated[int, Field(ge=1)] = 24
    epochs: Annotated[int, Field(ge=1)] = 30
    batch_size: Annotated[int, Field(ge=2)] = 256
    learning_rate: Annotated[float, Field(gt=0)] = 1e-2
    warmup_epochs: Annotated[float, Field(ge=0)] = 1.0
    weights: dict[LossName, Weight] = {}  # of its losses, where not the default
    temperature: Annotated[float, Field(gt=0)] = 0.1  # of the prototypes' soft targets
    cap: Annotated[float, Field(gt=0)] = 8.0  # of the score, in nats
    tail: TailName = "flat"  # of the score above the cap
    noise: Noise | None = None
    unlabelled: tuple[str, ...] = ()  # records whose beats, normal or not, it learns from, too

    @property
    def rebuilds(self) -> bool:
        """Whether it learns to rebuild a beat."""
        return self.distil and self.weights.get("rebuilt", DISTILLATION_WEIGHTS["rebuilt"]) > 0

    @field_validator("unlabelled")
    @classmethod
    def _unlabelled_differ(cls, records: tuple[str, ...]) -> tuple[str, ...]:
        return unique(records)


class Score(Section):
    """Which scores are combined, with what weights, and how many prototypes the embedding's density has.

    >>> Score(combine=["shift", "rebuild"]).combine
    {'shift': 1.0, 'rebuild': 1.0}
    """

    combine: Annotated[dict[ScoreName, Positive], Field(min_length=1)] = {"shift": 1, "prototypes": 1}
    prototypes: Annotated[int, Field(ge=1, le=512)] = 512
    measure: MeasureName = "quantile"  # that each is taken in, among validation normals

    @field_validator("combine", mode="before")
    @classmethod
    def _weigh_the_same(cls, combine: object) -> object:
        return dict.fromkeys(unique(combine), 1.0) if isinstance(combine, list | tuple) else combine
