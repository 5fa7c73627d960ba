"""What a preset, or the student of a run, takes: the beats of somebody's recording in one line."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from keras_sibeat.config import Config
from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.detection import detect_rpeaks
from keras_sibeat.data.opening import Recorded, open_recording
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.presets.loading import describe_preset
from keras_sibeat.train.run import Run


def beats(
    recording: Recorded,
    rate: float | None = None,
    preset: str | Path = "mitdb-wearer",
    lead: str | Sequence[str] | None = None,
) -> BeatSet:
    """The beats of a recording as a preset takes them: filtered, cut at the R-peaks, normalised.

    Its ``inputs`` go to ``predict``, its ``times`` are the R-peaks. Where the recording has annotations,
    these are its beats; where it has none, R-peaks are detected, and the symbol of every beat is N. Beats of
    a wearer's model, such as ``mitdb-wearer``, are a window beside the wearer's template, and the rhythm.

    Unlike a device, this leaves out no beat for noise; ``score_beats`` says which a device believes.

    Args:
        recording: samples in mV, ``(samples,)`` or ``(samples, leads)``, NaN where missing; a ``Recording``;
            or the path of a WFDB record, an EDF or a CSV file.
        rate: Hz, of samples, and of a CSV file without a clock.
        preset: its name, or the folder of a run.
        lead: as for ``open_recording``; by default the preset's own.

    Raises ``DataError`` or ``RecordError`` for what cannot be read, is too short or is of another rate, and
    ``ConfigError`` or ``RunError`` for no such preset or run.

    >>> from keras_sibeat.data.synthetic import simulate_wearer
    >>> signal = simulate_wearer(seed=0, seconds=60.0, rate=250.0).signal[:, 0]
    >>> found = beats(signal, rate=250)
    >>> {name: rows.shape[1:] for name, rows in found.inputs.items()}
    {'window': (320, 2), 'rhythm': (8,)}
    >>> bool(found.times[0] < 2)
    True
    """
    config = _config_of(preset)
    wanted = Preprocessing.of(config)
    opened = open_recording(recording, rate, lead, wanted.leads)
    if opened.annotations is None:
        is_sensitive = wanted.waits is not None  # as on the device
        opened = opened.with_detected(detect_rpeaks(opened, opened.leads[0], is_sensitive))
    return extract_beats(opened, replace(wanted, leads=opened.leads))


def _config_of(preset):
    if Path(preset).is_dir():
        return Run(preset).config
    return Config.model_validate(describe_preset(str(preset))["config"])
