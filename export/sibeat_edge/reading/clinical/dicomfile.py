"""DICOM files of ECG waveforms."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size, telling

MOST = 64 * 2**20  # bytes
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
        signal = content.waveform_array(chosen)
    rest = len(groups) - 1
    warnings = []
    if rest and any(length == lengths[chosen] for number, length in enumerate(lengths) if number != chosen):
        warnings.append(f"{path}: found {len(groups)} groups of leads; took number {chosen + 1}.")
    return ArraySource(
        path,
        signal,
        leads,
        units,
        rate,
        warnings=warnings,
        told={
            "leads": "the channels' sources",
            "rate": "the group's sampling frequency",
            "units": "the channels' sensitivities" if any(units) else "",
        },
    )


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
