"""Recorded noise, as the view ``RecordedNoise`` mixes it in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_sibeat.data.physionet import list_records
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import read_recording
from keras_sibeat.errors import DataError
from sibeat_edge.signal.filters import FillMissing, process
from sibeat_edge.signal.resampling import Resampler


def read_noise(folder: Path, wanted: Preprocessing) -> np.ndarray:
    """The first halves of a folder's WFDB records of noise, e.g. PhysioNet's bw, em and ma, filtered as the
    windows are. The second halves, of ``held_back_noise``, measure.

    Args:
        folder: of the records, which hold noise and no heartbeats; annotations are not needed.
        wanted: the ``Preprocessing`` whose band-pass filters the windows.

    Returns ``(samples, channels)`` float32 in mV at 360 Hz: each lead of each record is a channel, cut to the
    shortest record.

    Raises ``DataError`` for a folder or record that cannot be read, or a sampling rate out of range.
    """
    signals = [_filtered(Path(folder) / name, wanted, share=0.5) for name in list_records(folder)]
    shortest = min(len(signal) for signal in signals)
    return np.concatenate([signal[:shortest] for signal in signals], axis=1)


def cut_noise(folder: Path, records: Sequence[str], wanted: Preprocessing, samples: int) -> np.ndarray:
    """The first leads of whole noisy ``records``, each filtered as the windows are, one after another.

    They are laid into as many channels of ``samples`` as hold them all; the last one is filled up with the
    first of them again.

    Returns ``(samples, channels)`` float32 in mV at 360 Hz. Raises as ``read_noise``.
    """
    signals = [_filtered(Path(folder) / name, wanted, share=1.0)[:, 0] for name in records]
    joined = np.concatenate(signals)
    return np.resize(joined, (-(-len(joined) // samples), samples)).T


def held_back_noise(folder: Path) -> dict[str, np.ndarray]:
    """The second half of the first lead of each of a folder's WFDB records of noise, as recorded: by name,
    ``(samples,)``, mV."""
    signals = {
        name: read_recording(Path(folder) / name, annotator=None).signal[:, 0]
        for name in list_records(folder)
    }
    return {name: signal[len(signal) // 2 :] for name, signal in signals.items()}


def _filtered(path, wanted, share):
    recording = read_recording(path, annotator=None)
    try:
        resampler = Resampler(recording.rate)
    except ValueError as error:
        raise DataError(f"Record {recording.name}: {error}") from error
    kept = recording.signal[: int(len(recording.signal) * share)]
    signal = process(resampler, process(FillMissing(), kept))
    return process(wanted.band_pass(), signal).astype(np.float32)
