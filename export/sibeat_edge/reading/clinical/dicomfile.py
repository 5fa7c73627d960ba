"""DICOM files of ECG waveforms."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size, telling

MOST = 64 * 2**20  # bytes
MEDIAN = 2.0  # s that a median beat has at most
DEFLATED = "1.2.840.10008.1.2.1.99"
LEAD = re.compile(r"^(?:lead|ecg)\s+", re.IGNORECASE)
PLACE = re.compile(r"\s*\(.*\)$")


def read_dicom(path: Path) -> ArraySource:
    """The ``Source`` of a DICOM file's ECG: of its groups of channels the longest, the first of them.

    A ten-second ECG has its rhythm and, in a shorter group, a median beat.

    Raises ``RecordError`` for a file without waveforms, one that is deflated, or one of more than 64 MiB.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info
    from pydicom.waveforms import multiplex_array

    checked_size(path, MOST)
    with telling(path, "a DICOM file"), _quiet():
        if read_file_meta_info(path).get("TransferSyntaxUID", "") == DEFLATED:
            raise RecordError(f"{path}: found a deflated file; expected one that is not (dcmconv +te).")
        content = dcmread(path)
        groups = content.get("WaveformSequence") or []
        if not groups:
            raise RecordError(f"{path}: found no waveforms; expected those of an ECG.")
        lengths = [int(group.NumberOfWaveformSamples) for group in groups]
        chosen = lengths.index(max(lengths))
        group = groups[chosen]
        rate, channels = float(group.SamplingFrequency), group.ChannelDefinitionSequence
        if lengths[chosen] * len(channels) > MOST:
            raise RecordError(f"{path}: found {lengths[chosen]:,} samples a lead; expected fewer.")
        leads, units = [_lead(channel) for channel in channels], [_unit(channel) for channel in channels]
        cut, warnings = _compared(path, group, lengths[chosen])
        signal = content.waveform_array(chosen)
        if "WaveformPaddingValue" in group:
            signal[multiplex_array(content, chosen, as_raw=True) == _padding(group)] = np.nan
    is_other = [length == lengths[chosen] or length > MEDIAN * rate for length in lengths]
    if sum(is_other) > 1:
        warnings.append(
            f"{path}: found {len(groups)} groups of leads; took number {chosen + 1}, the longest."
        )
    return ArraySource(
        path,
        signal,
        leads,
        units,
        rate,
        warnings=warnings,
        cut=cut,
        told={
            "leads": "the channels' sources",
            "rate": "the group's sampling frequency",
            "units": "the channels' sensitivities" if any(units) else "",
        },
    )


def _compared(path, group, declared):
    """Where a group has fewer samples than it declares, which is then set right: that, as ``Source.cut``.

    Returns also warnings of more samples.
    """
    width = group.WaveformBitsAllocated // 8 * group.NumberOfWaveformChannels
    held = len(group.WaveformData) // width
    told = f"{path}: found {held} samples a lead; expected {declared} as its header says"
    if held < declared:
        group.NumberOfWaveformSamples, group.WaveformData = held, group.WaveformData[: held * width]
        return f"{told} (a truncated file?).", []
    return "", [f"{told}, and no more are read."] if held > declared else []


def _padding(group):
    """The stored value that stands for a missing sample."""
    value = group.WaveformPaddingValue
    is_signed = group.WaveformSampleInterpretation in ("SB", "SS", "SL", "SV")
    return int.from_bytes(value, "little", signed=is_signed) if isinstance(value, bytes) else int(value)


def _lead(channel):
    """A channel's name: of ``Lead II`` or ``Lead I (Einthoven)`` the lead alone."""
    sources = channel.get("ChannelSourceSequence") or []
    name = str(sources[0].get("CodeMeaning", "")) if sources else ""
    name = name or str(channel.get("ChannelLabel", ""))
    return LEAD.sub("", PLACE.sub("", name.strip()))


def _unit(channel):
    units = channel.get("ChannelSensitivityUnitsSequence") or []
    return str(units[0].get("CodeValue", "")) if units and "ChannelSensitivity" in channel else ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what pydicom logs of a file from the screen: it may hold the wearer's name."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
