"""From recordings to beats: the edge's preprocessing applied to whole recordings, cached by content."""

import hashlib
import inspect
import json
import os
import sys
import zipfile
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from keras_sibeat.data import recording as recording_module
from keras_sibeat.data.recording import BEAT_SYMBOLS, read_recording
from keras_sibeat.errors import DataError
from keras_sibeat.files import whole_file
from sibeat_edge.beats import rhythm, template, wearer, windows
from sibeat_edge.beats.rhythm import FEATURES
from sibeat_edge.beats.wearer import Wearer
from sibeat_edge.beats.windows import beat_windows, normalise
from sibeat_edge.signal import filters, resampling, rpeaks
from sibeat_edge.signal.filters import BAND, FIR_ORDER, BandPass, FillMissing, process
from sibeat_edge.signal.resampling import HIGHEST_RATE, LOWEST_RATE, RATE, Resampler
from sibeat_edge.signal.rpeaks import RPeakDetector

NEAR = 10  # samples: an N beat counts where a detected R-peak is less than this from its annotation


@dataclass(frozen=True)
class BeatSet:
    """Beats or other windows, one row each, in the order of the recordings.

    Attributes:
        windows: ``(beats, length, channels)`` float32, each channel scaled to [-1, 1].
        samples: ``(beats,)`` R-peak (or first sample of the window) at 360 Hz (or the series' own rate).
        rhythm: ``(beats, features)`` of the RR intervals around each beat (``sibeat_edge.beats.rhythm``); without
            features unless the beats are relative to their wearer.
        rr_before, rr_after: ``(beats,)`` seconds to the beats before and after; NaN where there is none.
        records: ``(beats,)`` name of the recording.
        symbols: ``(beats,)`` WFDB symbol, or the class of a series.
        classes: ``(beats,)`` class; the symbol until a protocol maps it.
        detected: ``(beats,)`` whether the detector found an R-peak less than ``NEAR`` samples away.
        notes: what was resampled or skipped, and why, one sentence each.
        sha256: checksum of the data.
    """

    windows: np.ndarray
    rhythm: np.ndarray
    samples: np.ndarray
    rr_before: np.ndarray
    rr_after: np.ndarray
    records: np.ndarray
    symbols: np.ndarray
    classes: np.ndarray
    detected: np.ndarray
    notes: tuple[str, ...] = ()
    sha256: str = ""

    def __len__(self):
        return len(self.windows)

    @property
    def wearers(self):
        """``(beats,)`` a whole number for each record, in the order of their names."""
        return np.unique(self.records, return_inverse=True)[1].astype(np.int32)

    @property
    def inputs(self):
        """What a model of these beats takes: the windows or, with rhythm, both by name."""
        return {"window": self.windows, "rhythm": self.rhythm} if self.rhythm.shape[1] else self.windows

    @property
    def parts(self):
        """The same as a tuple of arrays, windows first."""
        return (self.windows, self.rhythm) if self.rhythm.shape[1] else (self.windows,)

    def take(self, rows):
        """The beats of a mask or of row numbers."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    @staticmethod
    def join(parts, sha256):
        """One set from several."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
        notes = dict.fromkeys(note for part in parts for note in part.notes)
        return BeatSet(**columns, notes=tuple(notes), sha256=sha256)


COLUMNS = tuple(field.name for field in fields(BeatSet) if field.name not in ("notes", "sha256"))


def extract_beats(recording, leads, before, after, band=BAND, order=FIR_ORDER, waits=None):
    """Cut the annotated beats of one recording; returns a ``BeatSet``.

    Args:
        recording: a ``Recording`` with annotations.
        leads: names of the leads wanted, in order, or ``"all"``; the first one feeds the detector.
        before, after: window around the R-peak, in samples at 360 Hz.
        band, order: of the windows' band-pass, as ``BandPass`` takes them. The detector has its own, always
            the default one, so the same beats are found whatever the windows' band is.
        waits: for beats relative to their wearer, as ``sibeat_edge.beats.wearer.Wearer`` takes it: their windows
            hold the template, too, and they have a rhythm. None for beats that stand alone.

    Raises:
        DataError: a missing lead, no annotations, or a recording too short for one beat.
    """
    name = recording.name
    leads = recording.leads if leads == "all" else leads
    for lead in leads:
        if lead not in recording.leads:
            raise DataError(f"Record {name}: lead {lead} is missing; found {', '.join(recording.leads)}.")
    if recording.annotations is None:
        raise DataError(f"Record {name}: found no annotations; expected the beats' R-peaks and symbols.")
    notes = []
    signal = recording.signal[:, [recording.leads.index(lead) for lead in leads]]
    missing = ~np.isfinite(signal).all(axis=1)
    signal = process(FillMissing(), signal)
    gaps = np.concatenate([[0], np.cumsum(missing)])
    changes = np.cumsum(np.diff(signal, axis=0, prepend=signal[:1]) != 0, axis=0)
    if recording.rate != RATE:
        notes.append(f"Record {name}: resampled from {recording.rate:g} Hz to {RATE} Hz.")
    if not LOWEST_RATE <= recording.rate <= HIGHEST_RATE:
        raise DataError(
            f"Record {name}: found a sampling rate of {recording.rate:g} Hz; "
            f"expected {LOWEST_RATE} to {HIGHEST_RATE} Hz."
        )
    signal = process(Resampler(recording.rate), signal)
    if len(signal) < before + after:
        raise DataError(
            f"Record {name}: found {len(signal)} samples at {RATE} Hz, too short for one beat; "
            f"expected at least {before + after}."
        )
    filtered = process(BandPass(band, order), signal)
    is_detectors = (tuple(band), order) == (BAND, FIR_ORDER)
    peaks = process(RPeakDetector(), filtered[:, 0] if is_detectors else process(BandPass(), signal[:, 0]))

    is_beat = np.isin(recording.annotations.symbols, list(BEAT_SYMBOLS))
    scale = RATE / recording.rate
    samples = np.rint(recording.annotations.samples[is_beat] * scale).astype(np.int64)
    rr = np.diff(samples) / RATE
    windows, inside = beat_windows(filtered, samples, before, after)
    ends = np.rint((samples[inside, None] + [-before, after]) / scale).astype(np.int64)
    first, last = (ends - [0, 1]).clip(0, len(missing) - 1).T  # in the recording's own samples
    has_gap = gaps[last + 1] > gaps[first]
    flat = (changes[last] == changes[first]).any(axis=1) & ~has_gap
    usable = ~has_gap & ~flat
    reasons = {
        "window passes the recording's end": (~inside).sum(),
        "window has missing samples": has_gap.sum(),
        "window is flat": flat.sum(),
    }
    if waits is None:
        windows, rhythm = normalise(windows[usable]), np.zeros((usable.sum(), 0), np.float32)
    else:
        fit = np.zeros(len(samples), bool)
        fit[np.flatnonzero(inside)[usable]] = True
        at = gaps[recording.annotations.samples[is_beat].clip(0, len(missing))]
        views = _views(samples, fit, np.diff(at, prepend=0) == 0, windows[usable], waits)
        seen = np.array([view is not None for view in views])
        reasons["wearer has no template yet"] = (~seen).sum()
        shapes = (before + after, 2 * len(leads)), (len(FEATURES),)
        windows, rhythm = (
            np.array([view[part] for view in views if view is not None], np.float32).reshape(-1, *shape)
            for part, shape in enumerate(shapes)
        )
        usable[usable] = seen
    for why, count in reasons.items():
        if count:
            notes.append(f"Record {name}: skipped {count} beats whose {why}.")
    rows = np.flatnonzero(inside)[usable]
    symbols = recording.annotations.symbols[is_beat][rows]
    return BeatSet(
        windows=windows,
        rhythm=rhythm,
        samples=samples[rows],
        rr_before=np.concatenate([[np.nan], rr])[rows],
        rr_after=np.concatenate([rr, [np.nan]])[rows],
        records=np.full(len(rows), name),
        symbols=symbols,
        classes=symbols,
        detected=_nearest(peaks, samples[rows]) < NEAR,
        notes=tuple(notes),
    )


def _views(samples, fit, follows, windows, waits):
    """What ``Wearer`` makes of a recording: of each ``fit`` beat, whose windows are given, a view or None."""
    wearer, left, views = Wearer(waits), iter(windows), []
    for sample, is_fit, goes_on in zip(samples, fit, follows, strict=True):
        views += wearer.push(sample / RATE, next(left) if is_fit else None, goes_on)
    views += wearer.finish()
    return [view for view, is_fit in zip(views, fit, strict=True) if is_fit]


def _nearest(peaks, samples):
    """Distance (n,) from each sample to the nearest peak."""
    if not len(peaks):
        return np.full(len(samples), np.iinfo(np.int64).max)
    right = np.searchsorted(peaks, samples).clip(1, max(1, len(peaks) - 1))
    around = np.stack([peaks[right - 1], peaks[np.minimum(right, len(peaks) - 1)]])
    return np.abs(around - samples).min(axis=0)


def cache_folder():
    """Where beats and simulated recordings are kept: ``$KERAS_SIBEAT_CACHE`` or ``~/.cache/keras_sibeat``."""
    return Path(os.environ.get("KERAS_SIBEAT_CACHE", Path.home() / ".cache" / "keras_sibeat"))


def load_beats(
    paths,
    files_sha256,
    annotator="atr",
    leads=("MLII",),
    before=140,
    after=180,
    band=BAND,
    order=FIR_ORDER,
    waits=None,
):
    """Beats of WFDB records, from the cache where the data and the preprocessing are the same.

    Args:
        paths: record paths without extension.
        files_sha256: mapping of every file of these records to its SHA-256.
        annotator, leads, before, after, band, order, waits: as ``read_recording`` and ``extract_beats`` take
            them.
    """
    settings = {"annotator": annotator, "leads": list(leads), "before": before, "after": after}
    settings |= {"band": list(band), "order": order}
    if waits is not None:
        settings["waits"] = waits
    data_sha256 = checksum({Path(file).name: digest for file, digest in files_sha256.items()})
    modules = [resampling, filters, rpeaks, windows]
    if waits is not None:
        modules += [template, rhythm, wearer]
    code = [inspect.getsource(module) for module in [*modules, sys.modules[__name__], recording_module]]
    key = checksum([[Path(path).name for path in paths], data_sha256, settings, code])
    file = cache_folder() / f"beats-{key[:32]}.npz"
    stored = _read_cache(file, data_sha256)
    if stored is not None:
        return stored
    parts = [
        extract_beats(read_recording(path, annotator), leads, before, after, band, order, waits)
        for path in track(paths, "recordings to beats")
    ]
    counts = {part.windows.shape[2] for part in parts}
    if len(counts) > 1:
        raise DataError(f"Leads {leads}: found records with {sorted(counts)} leads; expected one number.")
    beats = BeatSet.join(parts, data_sha256)
    with whole_file(file) as partial:
        np.savez(partial, notes=np.array(beats.notes, dtype=str), **{c: getattr(beats, c) for c in COLUMNS})
    return beats


def _read_cache(file, data_sha256):
    """The cached beats, or None where they are absent or damaged: then they are made again."""
    try:
        with np.load(file) as stored:
            columns = {name: stored[name] for name in COLUMNS}
            return BeatSet(**columns, notes=tuple(stored["notes"].tolist()), sha256=data_sha256)
    except (FileNotFoundError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def checksum(value):
    """SHA-256 of a JSON value, in hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
