"""How many false alarms a threshold is set for, as a share of normal beats and in an hour."""

from dataclasses import dataclass

from keras_sibeat.data.beatset import recorded_hours
from keras_sibeat.errors import ExportError
from keras_sibeat.export.sources import Source


@dataclass(frozen=True)
class AlarmRate:
    """The false alarms of a threshold: normal beats that score above it.

    A wearer's model has its device judge beats further, so there they are counted before the judgement.

    Attributes:
        share: of the normal beats.
        normals_per_hour: normal beats in an hour of recording.

    >>> AlarmRate(share=0.01, normals_per_hour=4000.0).per_hour
    40.0
    """

    share: float
    normals_per_hour: float

    @property
    def per_hour(self) -> float:
        """False alarms in an hour of recording."""
        return self.share * self.normals_per_hour


def wanted_rate(source: Source, per_hour: float | None) -> AlarmRate:
    """The rate that an export's threshold is set for.

    Args:
        per_hour: false alarms asked for; None for the configuration's ``false_alarm_rate``.

    Raises ``ExportError`` for more false alarms than there are normal beats.
    """
    validation = source.fold.validation
    normals = len(source.fold.validation_normals) / recorded_hours(validation)
    share = source.config.evaluate.false_alarm_rate if per_hour is None else per_hour / normals
    if not 0 < share < 1:
        raise ExportError(
            f"{source.name}: found {per_hour:g} false alarms an hour asked for; expected less than the "
            f"{normals:.0f} normal beats of an hour."
        )
    return AlarmRate(share, normals)
