"""The sections of a configuration about the beats, where a step runs, and when there is an alarm."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema

from keras_sibeat.config.checks import strictly, unique
from sibeat_edge.signal.filters import BAND, FIR_ORDER
from sibeat_edge.signal.resampling import RATE

OF_WEARERS = ("inter_patient", "leave_out", "databases")  # protocols: no wearer both trains and tests
KEYS_OF_PROTOCOLS = {
    "train_records": ("inter_patient",),
    "test_records": ("inter_patient", "series"),
    "all_beats": ("inter_patient", "leave_out"),
    "normal": ("series",),
}


class Section(BaseModel):
    """A part of a configuration that cannot be changed; an unknown key or a value out of range is an error.

    >>> Window(before=60).after
    180
    >>> Window(befor=60)
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: ...
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return strictly(handler(source))


class Source(Section):
    """One of several databases: which of its records train, validate and test.

    >>> Source(trains=("8*",)).annotator
    'atr'
    """

    folder: Path | None = None
    """Folder of the records, within the data's folder; the source's name if left out."""
    annotator: str = "atr"
    """Extension of the annotation files; "none": R-peaks are detected, and every beat counts as normal."""
    leads: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["first"] = "first"
    """"first", whatever its name, or one lead by its name."""
    reference: str = ""
    """Only the recordings to which the folder's REFERENCE.csv gives this label."""
    trains: tuple[str, ...] = ()
    """Records that train, or patterns of their names; DS1 and DS2 are de Chazal's parts of MIT-BIH."""
    validates: tuple[str, ...] = ()
    """Records that validate, as `trains`."""
    tests: tuple[str, ...] = ()
    """Records that test, as `trains`."""
    licence: str = ""
    """Goes into the manifest and the model card."""

    @field_validator("leads")
    @classmethod
    def _one_lead(cls, leads: tuple[str, ...] | str) -> tuple[str, ...] | str:
        if not isinstance(leads, str) and len(leads) != 1:
            raise ValueError("expected one lead, by its name, or first")
        return leads

    @model_validator(mode="after")
    def _roles_fit(self) -> "Source":
        if not (self.trains or self.validates or self.tests):
            raise ValueError("expected records that train, validate or test")
        if self.annotator == "none" and self.tests:
            raise ValueError(
                "without annotations (annotator none) records cannot test beside others, as their abnormal "
                "beats would count as normal"
            )
        return self


class Data(Section):
    """Where recordings come from: the simulator, WFDB records, or series in text files.

    >>> Data(source="wfdb", folder="mitdb").leads
    ('MLII',)
    """

    source: Literal["simulator", "wfdb", "series"] = "simulator"
    """Where recordings come from; `wfdb` wherever a folder is given."""
    folder: Path | None = None
    """Of the recordings; usually given by `--data`."""
    wearers: Annotated[int, Field(ge=2)] = 24
    """Number of simulated wearers."""
    seconds: Annotated[float, Field(ge=10)] = 300.0
    """Length of each simulated recording, s."""
    annotator: str = "atr"
    """Extension of the annotation files; "none": R-peaks are detected, and every beat counts as normal."""
    leads: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["all", "first"] = ("MLII",)
    """Names, "first" or "all"; `II`, `ecg ii` and `MLII` are one."""
    wearer: str | None = None
    """Who wears a record: a regular expression on its name, whose one group is the wearer's name, or a CSV
    file in the data's folder with the columns record and wearer. By default a record has one of its own."""
    groups: dict[str, list[str]] = {}
    """Of series: class → patterns of its files."""
    columns: tuple[str | Annotated[int, Field(ge=1)], ...] = ()
    """Of series: the channels, by heading or by number from 1; all but the time if left out."""
    sources: dict[str, Source] = {}
    """Databases by name, for the protocol `databases`."""

    @field_validator("columns")
    @classmethod
    def _columns_differ(cls, columns: tuple[str | int, ...]) -> tuple[str | int, ...]:
        return unique(columns)

    @property
    def lead_count(self) -> int | None:
        """Of a window, or None where that depends on the records: all their leads."""
        return {"first": 1, "all": None}[self.leads] if isinstance(self.leads, str) else len(self.leads)

    @model_validator(mode="before")
    @classmethod
    def _folder_is_of_records(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("folder") is not None:
            return {"source": "wfdb", **values}
        return values

    @field_validator("wearer")
    @classmethod
    def _wearer_is_one_group(cls, rule: str | None) -> str | None:
        if rule is not None and not rule.endswith(".csv"):
            try:
                groups = re.compile(rule).groups
            except re.error as error:
                raise ValueError(f"expected a regular expression or a .csv file ({error})") from error
            if groups != 1:
                raise ValueError(f"expected one group, the wearer's name, in parentheses; found {groups}")
        return rule

    @model_validator(mode="after")
    def _keys_fit_source(self) -> "Data":
        if (self.source == "series") != bool(self.groups):
            raise ValueError("groups belong to source series, and that source needs them")
        if self.columns and self.source != "series":
            raise ValueError("columns belong to source series; expected data.leads of recordings")
        if self.source == "simulator" and self.folder is not None:
            raise ValueError("a folder belongs to source wfdb or series, and source simulator has none")
        if self.sources and (self.source != "wfdb" or self.lead_count != 1):
            raise ValueError("sources are of source wfdb and of one lead")
        if self.sources and self.annotator != "atr":
            raise ValueError("sources have annotators of their own; expected none of the data")
        if self.annotator == "none" and self.source != "wfdb":
            raise ValueError("annotator none belongs to source wfdb")
        return self


class Window(Section):
    """A beat's window around its R-peak (at 360 Hz) and its band-pass, or a series' sliding window.

    >>> Window(before=60, after=100).length
    160
    """

    before: Annotated[int, Field(ge=1)] = 140
    """Samples before the R-peak, at 360 Hz; of series, steps."""
    after: Annotated[int, Field(ge=1)] = 180
    """Samples from the R-peak on; of series, steps."""
    stride: Annotated[int, Field(ge=1)] = 5
    """Of series: steps between windows."""
    band: tuple[float, float] = BAND
    """Of the band-pass, Hz."""
    order: Annotated[int, Field(ge=2, multiple_of=2)] = FIR_ORDER
    """Of the band-pass."""

    @model_validator(mode="after")
    def _band_in_range(self) -> "Window":
        if not 0 < self.band[0] < self.band[1] < RATE / 2:
            raise ValueError(f"band: expected 0 < low < high < {RATE // 2} Hz, found {self.band}")
        return self

    @property
    def length(self) -> int:
        """In samples (or steps of a series)."""
        return self.before + self.after


class Protocol(Section):
    """Which beats train, validate and test, and how a model is selected.

    >>> Protocol(name="inter_patient").classes
    'aami'
    """

    name: Literal["beatgan", "inter_patient", "leave_out", "databases", "series"] = "beatgan"
    """Which beats train, validate and test."""
    folds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    """Which folds are trained."""
    split_seed: Annotated[int, Field(ge=0)] = 0
    """Of the random choices in a split."""
    classes: Literal["published", "aami"] = "published"
    """Which symbols make a class; `aami` where wearers are kept apart, unless said."""
    contamination: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of abnormal beats that are mixed into the training set."""
    selection: Literal["label_free", "labelled"] = "label_free"
    """How an epoch is selected: by rebuild error, or by AUC on labelled validation beats."""
    normal: str = "N"
    """Of series: the class that is learnt."""
    all_beats: bool = False
    """Where wearers are kept apart: keep the normal beats that the detector does not confirm."""
    train_records: tuple[str, ...] = ()
    """Of `inter_patient`: records that train, instead of DS1."""
    test_records: tuple[str, ...] = ()
    """Of `inter_patient`: records that test, instead of DS2; of series: the normal files that test."""
    watch_test: bool = False
    """Score the test fold after each epoch, for the history alone."""

    @model_validator(mode="before")
    @classmethod
    def _classes_of_protocol(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("name") in OF_WEARERS:
            return {"classes": "aami", **values}
        return values

    @model_validator(mode="after")
    def _keys_fit_protocol(self) -> "Protocol":
        for key, names in KEYS_OF_PROTOCOLS.items():
            if getattr(self, key) != type(self).model_fields[key].default and self.name not in names:
                belongs = " and ".join(names)
                raise ValueError(f"{key} belongs to protocol {belongs}; found it beside {self.name}")
        return self

    @property
    def is_of_wearers(self) -> bool:
        """Whether no wearer both trains and tests."""
        return self.name in OF_WEARERS

    @field_validator("folds")
    @classmethod
    def _folds_differ(cls, folds: tuple[int, ...]) -> tuple[int, ...]:
        return unique(folds)


class Wearer(Section):
    """Beats relative to their wearer: beside a template of the wearer's own beats, and with the rhythm.

    >>> Wearer(waits=False).imagined
    0.7
    """

    waits: bool = True
    """Whether a score waits for the next beat, to know the RR interval after it."""
    sequences: Annotated[int, Field(ge=1)] = 24
    """Simulated rhythms for each wearer."""
    imagined: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Share of the beats that training turns into those of imagined wearers."""


class Distribute(Section):
    """On what replicas a step runs.

    >>> Distribute().strategy
    'none'
    """

    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    """On one device, on all GPUs of a machine, or on a cluster."""


class Evaluate(Section):
    """How a threshold is set, on validation normals alone.

    >>> Evaluate().false_alarm_rate
    0.01
    """

    false_alarm_rate: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Share of the validation normals above the threshold."""
