"""GE MUSE XML files of resting ECGs."""

import base64
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource
from sibeat_edge.reading.clinical.limbs import limb_source
from sibeat_edge.reading.clinical.xmltree import number_of, read_tree, text_of
from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.leads import millivolts

WORDS = {"2": "<i2", "4": "<i4", "": "<i2"}


def read_muse(path: Path) -> ArraySource:
    """The ``Source`` of a MUSE XML file: its rhythm waveform, of little-endian integers in base 64.

    A file has eight leads; III, aVR, aVL and aVF follow from I and II.

    Raises ``RecordError`` for a file without that waveform, or whose leads cannot be decoded.
    """
    root = read_tree(path)
    waves = list(root.iter("Waveform"))
    rhythms = [wave for wave in waves if text_of(wave, "WaveformType").casefold() == "rhythm"]
    if not waves:
        raise RecordError(f"{path}: found no waveform; expected that of a MUSE resting ECG.")
    wave = (rhythms or waves)[0]
    base, exponent = number_of(text_of(wave, "SampleBase")), number_of(text_of(wave, "SampleExponent") or "0")
    if base is None or exponent is None or not abs(exponent) <= 6:
        raise RecordError(f"{path}: found no SampleBase; expected the sampling rate.")
    leads = [_lead(path, lead) for lead in wave.iter("LeadData")]
    if not leads:
        raise RecordError(f"{path}: found no leads in the waveform; expected at least one.")
    length = min(len(samples) for _, samples in leads)
    signals = {name: samples[:length] for name, samples in leads}
    warnings = []
    if any(len(samples) != length for _, samples in leads):
        warnings.append(f"{path}: found leads of different lengths; took the {length} samples that all have.")
    told = {
        "leads": "the file's names",
        "rate": "the file's SampleBase",
        "units": "the file's LeadAmplitudeUnitsPerBit",
    }
    return limb_source(path, signals, base * 10.0**exponent, told, warnings=warnings)


def _lead(path, lead):
    """A lead's name and its samples in mV."""
    name, step = text_of(lead, "LeadID") or "?", number_of(text_of(lead, "LeadAmplitudeUnitsPerBit"))
    unit, word = millivolts(text_of(lead, "LeadAmplitudeUnits") or "uV"), text_of(lead, "LeadSampleSize")
    if step is None or unit is None or word not in WORDS:
        raise RecordError(f"{path}: found lead {printable(name[:20])} without a step in uV; expected one.")
    try:
        content = base64.b64decode(text_of(lead, "WaveFormData"))
    except ValueError as error:
        raise RecordError(
            f"{path}: found lead {printable(name[:20])} cut off; expected samples in base 64."
        ) from error
    size = np.dtype(WORDS[word]).itemsize
    samples = np.frombuffer(content[: len(content) // size * size], WORDS[word])
    return name, samples * (step * unit)
