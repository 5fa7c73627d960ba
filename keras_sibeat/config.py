"""A run's configuration: read from TOML, checked by pydantic, unknown keys rejected."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from keras_sibeat.errors import ConfigError
from sibeat_edge.signal import BAND, FIR_ORDER, RATE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def _unique(values):
    if len(set(values)) < len(values):
        raise ValueError("expected different values")
    return values


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Data(Section):
    """Where recordings come from: the simulator, WFDB records, or series in text files."""

    source: Literal["simulator", "wfdb", "series"] = "simulator"
    folder: Path | None = None
    wearers: Annotated[int, Field(ge=2)] = 24  # simulated
    seconds: Annotated[float, Field(ge=10)] = 300.0  # simulated, each wearer
    annotator: str = "atr"
    leads: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["all"] = ("MLII",)
    groups: dict[str, list[str]] = {}  # series: class -> glob patterns

    @model_validator(mode="after")
    def _groups_for_series(self):
        if (self.source == "series") != bool(self.groups):
            raise ValueError("groups belong to source series, and that source needs them")
        return self


class Window(Section):
    """A beat's window around its R-peak (at 360 Hz) and its band-pass, or a series' sliding window."""

    before: Annotated[int, Field(ge=1)] = 140
    after: Annotated[int, Field(ge=1)] = 180
    stride: Annotated[int, Field(ge=1)] = 5  # series only
    band: tuple[float, float] = BAND  # Hz, beats only
    order: Annotated[int, Field(ge=2, multiple_of=2)] = FIR_ORDER  # of the band-pass

    @model_validator(mode="after")
    def _band_in_range(self):
        if not 0 < self.band[0] < self.band[1] < RATE / 2:
            raise ValueError(f"band: expected 0 < low < high < {RATE // 2} Hz, found {self.band}")
        return self

    @property
    def length(self):
        return self.before + self.after


class Protocol(Section):
    """Which beats train, validate and test, and how a model is selected."""

    name: Literal["beatgan", "inter_patient", "series"] = "beatgan"
    folds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    split_seed: Annotated[int, Field(ge=0)] = 0
    classes: Literal["published", "aami"] = "published"  # inter_patient: "aami" unless said
    contamination: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    selection: Literal["label_free", "labelled"] = "label_free"
    normal: str = "N"
    all_beats: bool = False  # inter_patient: keep the N beats that the detector does not confirm
    train_records: tuple[str, ...] = ()
    test_records: tuple[str, ...] = ()
    watch_test: bool = False  # score the test fold after each epoch, for the history only

    @model_validator(mode="before")
    @classmethod
    def _classes_of_protocol(cls, values):
        if isinstance(values, dict) and values.get("name") == "inter_patient":
            return {"classes": "aami", **values}
        return values

    @field_validator("folds")
    @classmethod
    def _folds_differ(cls, folds):
        return _unique(folds)


class Model(Section):
    """BeatGAN's networks: convolutional, or dense as published for motion capture."""

    kind: Literal["conv", "dense"] = "conv"
    width: Annotated[int, Field(ge=1)] = 32
    depth: Annotated[int, Field(ge=1, le=8)] = 5
    units: tuple[Annotated[int, Field(ge=1)], ...] = (256, 128, 32)
    latent: Annotated[int, Field(ge=1)] = 50
    feature_weight: Annotated[float, Field(ge=0)] = 1.0
    time_warp: Annotated[int, Field(ge=0)] = 0  # samples removed and inserted a side; 0 turns it off


class Train(Section):
    """How the networks are trained."""

    epochs: Annotated[int, Field(ge=1)] = 8
    batch_size: Annotated[int, Field(ge=1)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.5
    jit_compile: bool = True


class Evaluate(Section):
    """How a threshold is set, on validation normals alone."""

    false_alarm_rate: Annotated[float, Field(gt=0, lt=1)] = 0.01  # of the normal beats


class Config(Section):
    """One run."""

    name: str = "quickstart"
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**32)], ...], Field(min_length=1)] = (0,)
    data: Data = Data()
    window: Window = Window()
    protocol: Protocol = Protocol()
    model: Model = Model()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds):
        return _unique(seeds)

    @model_validator(mode="after")
    def _protocol_fits_source(self):
        if 2 * self.model.time_warp > min(self.window.before, self.window.after):
            raise ValueError("model.time_warp: expected at most half of window.before and window.after")
        if (self.data.source == "series") != (self.protocol.name == "series"):
            raise ValueError("source series and protocol series go together")
        if self.protocol.name == "series" and self.protocol.selection == "labelled":
            raise ValueError("protocol series has no labelled validation windows to select with")
        return self


def read_config(file=None, overrides=(), data=None):
    """The configuration of ``file`` (TOML; the defaults without one), with ``key=value`` overrides.

    Args:
        file: path; its stem is the run's name.
        overrides: strings such as ``train.epochs=30``; the value is TOML, or else a plain string.
        data: folder of a local copy of the data, which replaces the simulator where none is configured.

    Raises:
        ConfigError: no such file, not TOML, an unknown key, or a value out of range.
    """
    origin = "defaults" if file is None else str(file)
    values = {}
    if file is not None:
        try:
            values = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{file}: no such file; expected a configuration in TOML.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: {error}; expected TOML.") from error
        values.setdefault("name", Path(file).stem)
    for override in overrides:
        _apply(values, override)
    if data is not None:
        section = values.setdefault("data", {})
        if not isinstance(section, dict):
            raise ConfigError(f"{origin}: data: found {section!r}; expected a section.")
        section["folder"] = str(data)
        if section.get("source", "simulator") == "simulator":
            section["source"] = "wfdb"
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {first_problem(error)}") from error
    if config.data.source != "simulator" and config.data.folder is None:
        raise ConfigError(f"{origin}: found no data folder; expected --data DIR (or data.folder).")
    return config


def _apply(values, override):
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {override}: found no key=value; expected e.g. train.epochs=30.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {override}: {section} is a value; expected a section.")
    values[last] = value


def first_problem(error):
    """The first problem of a pydantic ``ValidationError``, in one sentence."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"]) or "configuration"
    if problem["type"] == "extra_forbidden":
        return f"found the unknown key {key}; expected one of those in the README."
    return f"{key}: found {problem['input']!r}; expected: {problem['msg']}."
