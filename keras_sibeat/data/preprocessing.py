"""What becomes of a recording on its way to beats: one object, made once from a configuration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sibeat_edge.beats.windows import AFTER, BEFORE
from sibeat_edge.signal.filters import BAND, FIR_ORDER, BandPass

if TYPE_CHECKING:
    from keras_sibeat.config import Config


@dataclass(frozen=True)
class Preprocessing:
    """From a recording to its beats.

    Attributes:
        leads: names of the leads wanted, in order, ``"all"``, or ``"first"``, whatever its name; the first
            one feeds the R-peak detector.
        before, after: window around the R-peak, in samples at 360 Hz.
        band: edges of the windows' band-pass, in Hz.
        order: of that band-pass, a finite impulse response.
        waits: for beats relative to their wearer, whether the rhythm waits for the next beat, as
            ``sibeat_edge.beats.wearer.Wearer`` takes it. Their windows hold the wearer's template, too.
            None for beats that stand alone.
        annotator: extension of the annotation files; ``"none"`` where there are none: R-peaks are detected,
            and every beat counts as normal.

    >>> Preprocessing(leads=("V1",), after=100).length
    240
    """

    leads: tuple[str, ...] | Literal["all", "first"] = ("MLII",)
    before: int = BEFORE
    after: int = AFTER
    band: tuple[float, float] = BAND
    order: int = FIR_ORDER
    waits: bool | None = None
    annotator: str = "atr"

    @classmethod
    def of(cls, config: "Config") -> "Preprocessing":
        """The preprocessing that a run's configuration asks for."""
        window = config.window
        return cls(
            leads=config.data.leads,
            before=window.before,
            after=window.after,
            band=window.band,
            order=window.order,
            waits=config.wearer.waits if config.wearer else None,
            annotator=config.data.annotator,
        )

    @property
    def length(self) -> int:
        """Of a window, in samples."""
        return self.before + self.after

    def band_pass(self) -> BandPass:
        """A filter in its initial state."""
        return BandPass(self.band, self.order)
