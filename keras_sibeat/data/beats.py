"""From recordings to beats: the edge's preprocessing applied to whole recordings, cached by content."""

import hashlib
import inspect
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from keras_sibeat.data import beatset, preprocessing
from keras_sibeat.data import recording as recording_module
from keras_sibeat.data.beatset import COLUMNS, BeatSet
from keras_sibeat.data.cache import as_far_as_possible
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import Recording, read_recording
from keras_sibeat.errors import DataError
from keras_sibeat.files import whole_file
from sibeat_edge.beats import alignment, rhythm, template, wearer, windows
from sibeat_edge.beats.alignment import ROOM_AFTER, ROOM_BEFORE, Aligner
from sibeat_edge.beats.rhythm import FEATURES
from sibeat_edge.beats.wearer import Wearer, views_of
from sibeat_edge.beats.windows import beat_windows, normalise
from sibeat_edge.reading import leads, wfdbfile, wfdbheader, wfdbsamples, wfdbsegments, wfdbsignals
from sibeat_edge.signal import contact, filters, resampling, rpeaks
from sibeat_edge.signal.contact import MISSING, Contact
from sibeat_edge.signal.filters import BAND, FIR_ORDER, BandPass, FillMissing, bridgeable, process
from sibeat_edge.signal.resampling import HIGHEST_RATE, LOWEST_RATE, RATE, Resampler
from sibeat_edge.signal.rpeaks import RPeakDetector

NEAR = 10  # samples: an N beat counts where a detected R-peak is less than this from its annotation


def extract_beats(recording: Recording, wanted: Preprocessing | None = None) -> BeatSet:
    """Cut the annotated beats of one recording.

    The R-peak detector has a band-pass of its own, always the default one, so the same beats are confirmed
    whatever the band of the windows is.

    Args:
        recording: a ``Recording`` with annotations.
        wanted: the ``Preprocessing``; the default one if None.

    Raises:
        DataError: a missing lead, no annotations, a sampling rate out of range, or a recording too short for
            one beat.
    """
    wanted = wanted or Preprocessing()
    signal = _wanted_signal(recording, wanted)
    filtered, peaks = _filter(recording, signal, wanted)
    marks = recording.beats()
    samples = np.rint(marks.samples * (RATE / recording.rate)).astype(np.int64)
    rr = np.diff(samples) / RATE
    gaps = _count_before(_is_missing(signal, recording.rate))
    is_alone, scale = wanted.waits is None, RATE / recording.rate
    placed = samples if is_alone else _place(filtered[:, 0], samples, gaps, scale)
    cut, inside = beat_windows(filtered, placed, wanted.before, wanted.after)
    has_gap, flat = _flaws(signal, gaps, placed[inside], scale, wanted)
    skipped = {
        "window passes the recording's end": (~inside).sum(),
        "window has missing samples": has_gap.sum(),
        "window is flat": flat.sum(),
    }
    usable = ~has_gap & ~flat
    rows = np.flatnonzero(inside)[usable]
    if is_alone:
        made, timing = normalise(cut[usable]), np.zeros((len(rows), 0), np.float32)
    else:
        follows = np.diff(gaps[marks.samples.clip(0, len(signal))], prepend=0) == 0  # without a gap before it
        made, timing, seen = _beside_template(placed, rows, follows, cut[usable], wanted)
        skipped["wearer has no template yet"] = (~seen).sum()
        rows = rows[seen]
    return BeatSet(
        windows=made,
        rhythm=timing,
        samples=samples[rows],
        rr_before=np.concatenate([[np.nan], rr])[rows],
        rr_after=np.concatenate([rr, [np.nan]])[rows],
        seconds=np.full(len(rows), len(signal) / recording.rate / max(1, len(rows))),
        records=np.full(len(rows), recording.name),
        symbols=marks.symbols[rows],
        classes=marks.symbols[rows],
        detected=_nearest(peaks, samples[rows]) < NEAR,
        notes=tuple(_notes(recording, skipped)),
    )


def window_centres(recording: Recording, wanted: Preprocessing | None = None) -> dict[int, int]:
    """Where the windows that ``extract_beats`` cuts have their centres, in samples at 360 Hz, by the
    ``samples`` of their beats: a wearer's beats are moved to where they are most like the beats before.

    Raises ``DataError`` as ``extract_beats`` does.
    """
    wanted = wanted or Preprocessing()
    scale = RATE / recording.rate
    samples = np.rint(recording.beats().samples * scale).astype(np.int64)
    centres = samples
    if wanted.waits is not None:
        signal = _wanted_signal(recording, wanted)
        filtered, _ = _filter(recording, signal, wanted)
        gaps = _count_before(_is_missing(signal, recording.rate))
        centres = _place(filtered[:, 0], samples, gaps, scale)
    return dict(zip(samples.tolist(), centres.tolist(), strict=True))


def _wanted_signal(recording, wanted):
    """The signal (samples, leads) of the leads wanted, of a recording that beats can be cut from."""
    if not LOWEST_RATE <= recording.rate <= HIGHEST_RATE:
        raise DataError(
            f"Record {recording.name}: found a sampling rate of {recording.rate:g} Hz; "
            f"expected {LOWEST_RATE} to {HIGHEST_RATE} Hz."
        )
    return recording.of_leads(wanted.leads).signal


def _filter(recording, signal, wanted):
    """The leads as the windows need them, (samples, leads) at 360 Hz, and the R-peaks that are detected."""
    resampled = process(Resampler(recording.rate), process(FillMissing(bridgeable(recording.rate)), signal))
    if len(resampled) < wanted.length:
        raise DataError(
            f"Record {recording.name}: found {len(resampled)} samples at {RATE} Hz, too short for one beat; "
            f"expected at least {wanted.length}."
        )
    filtered = process(wanted.band_pass(), resampled)
    is_detectors = (tuple(wanted.band), wanted.order) == (BAND, FIR_ORDER)
    detectors = filtered[:, 0] if is_detectors else process(BandPass(), resampled[:, 0])
    return filtered, process(RPeakDetector(), detectors)


def _is_missing(signal, rate):
    """Which samples of the ``signal`` (samples, leads) are missing in gaps too long to be bridged."""
    rising = np.arange(len(signal), dtype=np.float64)[:, None]  # neither flat nor saturated
    return process(Contact(rate), np.where(np.isfinite(signal), rising, np.nan)) == MISSING


def _count_before(flags):
    """How many of the ``flags`` (n,) are set before each place, (n + 1,)."""
    return np.concatenate([[0], np.cumsum(flags)])


def _flaws(signal, gaps, samples, scale, wanted):
    """Which windows around the ``samples`` have missing samples, and which a lead without any change."""
    ends = np.rint((samples[:, None] + [-wanted.before, wanted.after]) / scale).astype(np.int64)
    first, last = (ends - [0, 1]).clip(0, len(signal) - 1).T  # in the recording's own samples
    has_gap = gaps[last + 1] > gaps[first]
    filled = process(FillMissing(), signal)
    changes = np.cumsum(np.diff(filled, axis=0, prepend=filled[:1]) != 0, axis=0)
    return has_gap, (changes[last] == changes[first]).any(axis=1) & ~has_gap


def _place(lead, samples, gaps, scale):
    """The R-peaks ``samples`` moved as the device moves those that it finds; in unknown signal they stay."""
    aligner, placed = Aligner(), samples.copy()
    ends = np.rint((samples[:, None] + [-ROOM_BEFORE, ROOM_AFTER]) / scale).astype(np.int64)
    first, last = ends.clip(0, len(gaps) - 1).T  # in the recording's own samples
    has_room = (samples >= ROOM_BEFORE) & (samples + ROOM_AFTER <= len(lead))
    for number in np.flatnonzero(has_room & (gaps[last] == gaps[first])):
        sample = samples[number]
        placed[number] += aligner.push(lead[sample - ROOM_BEFORE : sample + ROOM_AFTER]).offset
    return placed


def _beside_template(samples, rows, follows, cut, wanted):
    """What ``Wearer`` makes of the windows ``cut`` at the R-peaks ``samples[rows]``.

    Returns windows that hold the template, too, the rhythm features, and which of the ``rows`` have them.
    """
    maker, left, pairs = Wearer(wanted.waits, wanted.before), iter(cut), []
    is_fit = np.isin(np.arange(len(samples)), rows)
    for sample, fit, goes_on in zip(samples, is_fit, follows, strict=True):
        pairs += maker.push(sample / RATE, next(left) if fit else None, goes_on)
    pairs += maker.finish()
    views = views_of([pair for pair, fit in zip(pairs, is_fit, strict=True) if fit])
    seen = np.array([view is not None for view in views], bool)
    shapes = (wanted.length, 2 * cut.shape[2]), (len(FEATURES),)
    made, timing = (
        np.array([view[place] for view in views if view is not None], np.float32).reshape(-1, *shape)
        for place, shape in enumerate(shapes)
    )
    return made, timing, seen


def _nearest(peaks, samples):
    """Distance (n,) from each sample to the nearest peak."""
    if not len(peaks):
        return np.full(len(samples), np.iinfo(np.int64).max)
    right = np.searchsorted(peaks, samples).clip(1, max(1, len(peaks) - 1))
    around = np.stack([peaks[right - 1], peaks[np.minimum(right, len(peaks) - 1)]])
    return np.abs(around - samples).min(axis=0)


def _notes(recording, skipped):
    """What a user should know: how the recording was read, and how many beats were ``skipped`` why."""
    yield from recording.notes
    if recording.rate != RATE:
        yield f"Record {recording.name}: resampled from {recording.rate:g} Hz to {RATE} Hz."
    for why, count in skipped.items():
        if count:
            yield f"Record {recording.name}: skipped {count} beats whose {why}."


def cache_folder() -> Path:
    """Where beats and simulated recordings are kept: ``$KERAS_SIBEAT_CACHE`` or ``~/.cache/keras_sibeat``."""
    return Path(os.environ.get("KERAS_SIBEAT_CACHE", Path.home() / ".cache" / "keras_sibeat"))


def load_beats(
    paths: Mapping[str, Path], files_sha256: Mapping[str, str], wanted: Preprocessing | None = None
) -> BeatSet:
    """Beats of WFDB records, from the cache where the data and the preprocessing are the same.

    Args:
        paths: record paths without extension, by the names that the records are to have.
        files_sha256: mapping of every file of these records to its SHA-256.
        wanted: the ``Preprocessing``; the default one if None.

    Raises:
        DataError: what ``read_recording`` and ``extract_beats`` raise, or records with different numbers of
            leads.
    """
    wanted = wanted or Preprocessing()
    data_sha256 = checksum(_without_folders(files_sha256))
    modules = [resampling, filters, contact, rpeaks, windows, recording_module, beatset, preprocessing, leads]
    modules += [wfdbfile, wfdbsegments, wfdbsignals, wfdbheader, wfdbsamples]
    if wanted.waits is not None:
        modules += [alignment, template, rhythm, wearer]
    code = [inspect.getsource(module) for module in [*modules, sys.modules[__name__]]]
    key = checksum([list(paths), data_sha256, asdict(wanted), code])
    file = cache_folder() / f"beats-{key[:32]}.npz"
    stored = _read_cache(file, data_sha256)
    if stored is not None:
        return stored
    sets = [
        extract_beats(_read(name, path, wanted), wanted)
        for name, path in track(list(paths.items()), "recordings to beats")
    ]
    counts = {beats.windows.shape[2] for beats in sets}
    if len(counts) > 1:
        raise DataError(
            f"Leads {wanted.leads}: found records with {sorted(counts)} leads; expected one number."
        )
    beats = BeatSet.join(sets, data_sha256)
    with as_far_as_possible(), whole_file(file) as partial:
        np.savez(partial, notes=np.array(beats.notes, dtype=str), **{c: getattr(beats, c) for c in COLUMNS})
    return beats


def _without_folders(digests):
    """The digests by the files' names alone, wherever a copy has them, unless two have the same name."""
    bare = {Path(file).name: digest for file, digest in digests.items()}
    return bare if len(bare) == len(digests) else digests


def _read(name, path, wanted):
    """The recording at ``path``; its annotations, where none are read, are the R-peaks that are detected."""
    is_annotated = wanted.annotator != "none"
    found = read_recording(path, wanted.annotator if is_annotated else None, wanted.leads)
    recording = replace(found, name=name)
    if is_annotated:
        return recording
    _, peaks = _filter(recording, _wanted_signal(recording, wanted), wanted)
    return recording.with_detected(peaks)


def _read_cache(file, data_sha256):
    """The cached beats, or None where they are absent or damaged: then they are made again."""
    try:
        with np.load(file) as stored:
            columns = {name: stored[name] for name in COLUMNS}
            return BeatSet(**columns, notes=tuple(stored["notes"].tolist()), sha256=data_sha256)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def checksum(value: object) -> str:
    """SHA-256 of a JSON value, in hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
