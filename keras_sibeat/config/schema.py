"""A run's configuration as a whole: its sections, and what of them goes together."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from keras_sibeat.config.checks import unique
from keras_sibeat.config.learning import Contrastive, Distillation, Frskd, Model, Score, Start, Train
from keras_sibeat.config.sections import (
    OF_WEARERS,
    Data,
    Distribute,
    Evaluate,
    Protocol,
    Section,
    Wearer,
    Window,
)
from keras_sibeat.config.students import Student


class Config(Section):
    """One run.

    >>> config = Config(name="mine", train={"epochs": 3})
    >>> config.epochs, config.window.length
    (3, 320)
    """

    name: str = "unnamed"
    """Of the run; the configuration file's name unless said."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**32)], ...], Field(min_length=1)] = (0,)
    """Each seed is trained on each fold."""
    data: Data = Data()
    """Where recordings come from."""
    window: Window = Window()
    """A beat's window and its filter."""
    wearer: Wearer | None = None
    """A beat beside its wearer's own; judged alone if left out."""
    protocol: Protocol = Protocol()
    """Which beats train, validate and test."""
    model: Model = Model()
    """BeatGAN's networks."""
    start: Start | None = None
    """Begin with the networks of another run; with random ones if left out."""
    train: Train = Train()
    """How BeatGAN is trained."""
    contrastive: Contrastive | None = None
    """SimCLR in the discriminator; plain BeatGAN if left out."""
    frskd: Frskd | None = None
    """The trunk teaches itself, if given."""
    distillation: Distillation | None = None
    """SI-BeatGAN, if given."""
    student: Student | None = None
    """A compact student, if given."""
    score: Score = Score()
    """Which scores are combined."""
    distribute: Distribute = Distribute()
    """On what replicas a step runs."""
    evaluate: Evaluate = Evaluate()
    """How a threshold is set."""

    @property
    def epochs(self) -> int:
        """Epochs of the last stage, which are those of the run's history."""
        return self.student.epochs if self.student else self.train.epochs

    def describe(self) -> dict[str, Any]:
        """The values as JSON has them, without the data's folder: wherever data lies, the run is the same."""
        values = self.model_dump(mode="json")
        del values["data"]["folder"]
        if not self.start:
            del values["start"]
        noise = self.student and self.student.noise
        if self.student and not noise:
            del values["student"]["noise"]
        if noise and not noise.cut:
            del values["student"]["noise"]["cut"]
        for key in ("sources", "wearer", "columns"):
            if not values["data"][key]:
                del values["data"][key]
        return values

    @property
    def has_residuals(self) -> bool:
        """Whether there is a student that gives residuals, which say where in a beat the anomaly lies.

        It does so if it learns to rebuild the beat. A wearer's student need not: the template shows it.
        """
        return bool(self.student and self.student.rebuilds and not self.wearer)

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return unique(seeds)

    @model_validator(mode="after")
    def _sections_fit(self) -> "Config":
        if 2 * self.model.time_warp > min(self.window.before, self.window.after):
            raise ValueError("model.time_warp: expected at most half of window.before and window.after")
        if (self.data.source == "series") != (self.protocol.name == "series"):
            raise ValueError("source series and protocol series go together")
        if bool(self.data.sources) != (self.protocol.name == "databases"):
            raise ValueError("data.sources and protocol databases go together")
        if self.data.wearer and not self.protocol.is_of_wearers:
            raise ValueError(
                f"data.wearer belongs to protocols {', '.join(OF_WEARERS)}; found {self.protocol.name}"
            )
        if self.data.annotator == "none" and self.protocol.contamination:
            raise ValueError(
                "protocol.contamination: expected 0 without annotations (data.annotator none), as no beat is "
                "known to be abnormal"
            )
        if self.contrastive:
            self._contrastive_fits()
        if self.student:
            self._student_fits()
        if self.wearer:
            self._wearer_fits()
        elif {"template", "rhythm"} & set(self.score.combine):
            raise ValueError("score.combine: template and rhythm are a wearer's; expected [wearer]")
        elif self.contrastive and "other_wearer" in self.contrastive.shifts:
            raise ValueError("contrastive.shifts: other_wearer needs a template; expected [wearer]")
        if self.distillation and (self.contrastive or self.model.kind != "conv"):
            raise ValueError("distillation: expected plain BeatGAN, no contrastive, and model.kind conv")
        if self.frskd and self.model.kind != "conv":
            raise ValueError("frskd: expected model.kind conv, whose trunk has feature maps")
        if self.protocol.name == "series" and self.protocol.selection == "labelled":
            raise ValueError("protocol series has no labelled validation windows to select with")
        return self

    def _wearer_fits(self):
        if not self.contrastive:
            raise ValueError("wearer: expected contrastive, too, whose shifts and rhythms are learnt")
        if self.student and not self.student.distil:
            raise ValueError("wearer: expected student.distil, as its teacher knows the rhythm")
        if self.data.leads == "all":
            raise ValueError("wearer: expected data.leads by name or first, as a template has the same leads")
        if self.protocol.name == "series":
            raise ValueError("wearer: expected beats, found protocol series")

    def _student_fits(self):
        student = self.student
        if not self.contrastive:
            raise ValueError("student: expected contrastive, too; it says what its teacher is")
        if not self.contrastive.shifts:
            raise ValueError(
                "student: expected contrastive.shifts; of shifted beats it learns what is abnormal"
            )
        if -(-self.window.length // 4) < 2 ** (student.depth - 1):
            raise ValueError(
                f"student.depth: found {student.depth} for windows of {self.window.length}; expected less"
            )
        if not student.distil and (student.teacher or student.unlabelled or self.frskd):
            raise ValueError("student.distil: found no distillation beside a teacher, unlabelled or frskd")
        if student.unlabelled and self.data.sources:
            raise ValueError("student.unlabelled: expected records of one database, no data.sources")
        if student.noise and not student.distil:
            raise ValueError("student.noise: expected student.distil, as the teacher judges beats without it")
        if student.noise and self.protocol.name == "series":
            raise ValueError("student.noise: expected beats, found protocol series")

    def _contrastive_fits(self):
        contrast = self.contrastive
        if self.model.kind != "conv":
            raise ValueError("contrastive: expected model.kind conv")
        if self.protocol.selection == "labelled":
            raise ValueError("contrastive takes the last epoch; expected protocol.selection label_free")
        if self.train.batch_size < 2:
            raise ValueError("train.batch_size: a batch of 1 has no negatives; expected 2 or more")
        if self.model.time_warp:
            raise ValueError(
                "model.time_warp: expected 0; the contrastive views have a time_warp of their own"
            )
        if self.frskd and not (contrast.shift_weight or contrast.pretrain.shift_weight):
            raise ValueError("frskd: expected shift_weight above 0, as the self-teacher learns from shifts")
        shift_learns = contrast.shift_weight or (contrast.pretrain.epochs and contrast.pretrain.shift_weight)
        if "shift" in self.score.combine and not shift_learns:
            raise ValueError(
                "score.combine: found shift, whose head learns nothing; expected shift_weight above 0"
            )
