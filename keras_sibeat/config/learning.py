"""The sections of a configuration that say what learns, from whom, and how it scores."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_serializer, model_validator

from keras_sibeat.config.checks import known, one_of, unique
from keras_sibeat.config.sections import Section
from keras_sibeat.layers.names import (
    MEASURE_NAMES,
    SCORES,
    SHIFT_NAMES,
    SHIFTS_OF_A_BEAT,
    VIEW_SETTINGS,
)

Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
ScoreName = Annotated[str, one_of(SCORES)]
MeasureName = Annotated[str, one_of(MEASURE_NAMES)]


class Model(Section):
    """BeatGAN's networks: convolutional, or dense as published for motion capture.

    >>> Model(width=16).kind
    'conv'
    """

    kind: Literal["conv", "dense"] = "conv"
    """Convolutional networks, or dense ones as published for motion capture."""
    width: Annotated[int, Field(ge=1)] = 32
    """Filters of the first convolution; each later one has twice as many."""
    depth: Annotated[int, Field(ge=1, le=8)] = 5
    """Convolutions, each of which halves the length."""
    units: tuple[Annotated[int, Field(ge=1)], ...] = (256, 128, 32)
    """Of the dense networks' layers."""
    latent: Annotated[int, Field(ge=1)] = 50
    """Units of the generator's code."""
    feature_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the feature matching in the generator's loss."""
    time_warp: Annotated[int, Field(ge=0)] = 0
    """Samples removed and inserted on each side of the R-peak; 0 turns it off."""


class Train(Section):
    """How the networks are trained.

    >>> Train(epochs=3).batch_size
    64
    """

    epochs: Annotated[int, Field(ge=1)] = 8
    """Of BeatGAN, contrastive or not."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Of all replicas together."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    """Of Adam."""
    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Of Adam."""
    jit_compile: bool = True
    """Compile the step by XLA."""


class Start(Section):
    """Whose networks a run begins with, in place of random ones.

    >>> Start(**{"from": "runs/before"}).trunk
    'trained'
    """

    origin: Annotated[str, Field(alias="from", min_length=1)]
    """A finished run's folder, or a preset's name."""
    trunk: Literal["trained", "frozen"] = "trained"
    """Whether what makes a beat's embedding is trained on, or kept."""

    @model_serializer
    def _as_written(self) -> dict[str, str]:
        return {"from": self.origin, "trunk": self.trunk}


class Pretrain(Section):
    """SimCLR on the trunk alone, before the adversarial training (SimCLR v2's first step).

    >>> Pretrain(epochs=12).nt_xent_weight
    1.0
    """

    epochs: Annotated[int, Field(ge=0)] = 0
    """0 turns it off."""
    nt_xent_weight: Weight = 1.0
    """Of the contrastive loss."""
    shift_weight: Weight = 0.0
    """Of telling shifted beats from normal ones."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Of Adam."""


class Contrastive(Section):
    """SimCLR in BeatGAN's discriminator: its heads, views, shifts, losses and optimizer.

    >>> Contrastive(shifts=["bump"]).shifts
    ('bump',)
    """

    head: Literal["v1", "v2"] = "v1"
    """Projection head of SimCLR's first or second version."""
    units: Annotated[int, Field(ge=1)] = 128
    """Of the embedding, and of the heads' hidden layers."""
    projection: Annotated[int, Field(ge=1)] = 64
    """Units of the projection."""
    views: dict[str, dict[str, float | int | tuple[float, float]]] = {
        "smooth_time_warp": {},
        "gain": {},
        "baseline_wander": {},
        "noise": {},
    }
    """View → its settings, applied in this order."""
    noise: Path | None = None
    """Folder of WFDB records for the view `recorded_noise`, which takes the first half of each."""
    shifts: tuple[str, ...] = SHIFTS_OF_A_BEAT
    """Which shifts break beats; `other_wearer` needs a template."""
    temperature: Annotated[float, Field(gt=0)] = 0.1
    """Of NT-Xent."""
    nt_xent_weight: Weight = 1.0
    """Of the contrastive loss."""
    shift_weight: Weight = 1.0
    """Of telling shifted beats from normal ones."""
    adversarial_weight: Weight = 1.0
    """Of telling rebuilt beats from real ones."""
    hard_negatives: bool = False
    """Whether shifted beats are negatives of NT-Xent, too."""
    pretrain: Pretrain = Pretrain()
    """SimCLR alone, before the joint training."""
    optimizer: Literal["adam", "lars"] = "adam"
    """Of the discriminator."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Of the discriminator."""
    scaling: Literal["none", "linear", "sqrt"] = "none"
    """How the learning rate grows with the batch size."""
    warmup_epochs: Annotated[float, Field(ge=0)] = 1.0
    """Over which the learning rate rises."""

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

    width: Annotated[float, Field(gt=0)] = 0.5
    """Of the self-teacher, relative to the trunk's."""
    temperature: Annotated[float, Field(gt=0)] = 4.0
    """Of the soft targets."""
    soft_weight: Weight = 1.0
    """Of the soft targets' loss."""
    attention_weight: Weight = 1.0
    """Of the loss between attention maps."""


class Distillation(Section):
    """SI-BeatGAN: the generator learns from the one of a finished run.

    >>> Distillation(teacher="runs/teacher").temperature
    16.0
    """

    teacher: Path
    """A run's folder, whose part of the same fold and seed teaches, or a generator's .keras file."""
    temperature: Annotated[float, Field(gt=0)] = 16.0
    """Of the soft targets."""
    weight: Weight = 1.0
    """Of the soft targets' loss."""


class Score(Section):
    """Which scores are combined, with what weights, and how many prototypes the embedding's density has.

    >>> Score(combine=["shift", "rebuild"]).combine
    {'shift': 1.0, 'rebuild': 1.0}
    """

    combine: Annotated[dict[ScoreName, Positive], Field(min_length=1)] = {"shift": 1, "prototypes": 1}
    """Scores that make the combined one, a list or weights: `rebuild`, `shift`, `mahalanobis`, `prototypes`
    and, beside a template, `template`, `rhythm`."""
    prototypes: Annotated[int, Field(ge=1, le=512)] = 512
    """Number of prototypes of normal beats in embedding space."""
    measure: MeasureName = "quantile"
    """How each score is put on a common scale among validation normals: by `quantile`, or by `spread`."""

    @field_validator("combine", mode="before")
    @classmethod
    def _weigh_the_same(cls, combine: object) -> object:
        return dict.fromkeys(unique(combine), 1.0) if isinstance(combine, list | tuple) else combine
