"""Files as devices and programs write them, made by code of their own, for the tests of the readers.

Each writer takes a path, a signal ``(samples, leads)`` in mV, the leads' names and the rate in Hz.
"""

import base64
import binascii
import json
import struct
from datetime import datetime, timedelta

import numpy as np

MOVESENSE_STEP = 0.38147e-3  # mV
ISHNE_CODES = {"I": 5, "II": 6, "III": 7, "aVR": 8, "aVL": 9, "aVF": 10, "V1": 11, "V5": 15}
SCP_CODES = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "III": 61, "aVR": 62}


def beats(seconds=10, rate=250, leads=2):
    """A heart of 75 beats a minute in mV, ``(samples, leads)``; a narrow and a wide wave a beat."""
    time = np.arange(int(seconds * rate)) / rate
    phase = (time + 0.4) % 0.8
    wave = np.exp(-0.5 * ((phase - 0.4) / 0.012) ** 2) + 0.25 * np.exp(-0.5 * ((phase - 0.65) / 0.04) ** 2)
    return np.stack([wave * (1 - 0.3 * lead) for lead in range(leads)], axis=1)


def counts(signal, step):
    return np.round(np.asarray(signal) / step).astype(int)


def movesense_packets(signal, rate, size=16, lost=(), start=81_230):
    """Packets of counts with timestamps in ms, but for those of the numbers ``lost``."""
    values = counts(signal[:, 0], MOVESENSE_STEP).tolist()
    packets = []
    for number, first in enumerate(range(0, len(values), size)):
        if number not in lost:
            stamp = start + round(1000 * first / rate)
            packets.append({"Timestamp": stamp, "Samples": values[first : first + size]})
    return packets


def write_movesense(path, signal, leads, rate, **options):
    """As the showcase app's log."""
    packets = movesense_packets(signal, rate, **options)
    path.write_text(json.dumps({"data": [{"ecg": packet} for packet in packets]}))
    return path


def write_movesense_lines(path, signal, leads, rate, **options):
    """As notifications are streamed, one a line."""
    uri = f"174430000051/Meas/ECG/{rate}"
    rows = [
        {"Body": packet, "Uri": uri, "Method": "PUT"} for packet in movesense_packets(signal, rate, **options)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_kardia(path, signal, leads, rate, resolution=500):
    names = {"aVR": "AVR", "aVL": "AVL", "aVF": "AVF"}
    samples = {
        names.get(lead, f"lead{lead}"): counts(signal[:, number], resolution / 1e6).tolist()
        for number, lead in enumerate(leads)
    }
    block = {
        "frequency": rate,
        "mainsFrequency": 50,
        "samples": samples,
        "amplitudeResolution": resolution,
        "numLeads": len(leads),
    }
    calm = {**block, "samples": {lead: [value // 2 for value in row] for lead, row in samples.items()}}
    content = {
        "id": "epgs",
        "patientID": "Erika Mustermann",
        "heartRate": 75,
        "duration": 1000 * len(signal) // rate,
        "recordedAt": "2024-04-16T15:19:09+02:00",
        "data": {"enhanced": calm, "raw": block},
    }
    path.write_text(json.dumps(content))
    return path


def write_json(path, signal, leads, rate):
    content = {"sampling_rate": rate, "units": "mV", "leads": list(leads), "ecg": signal.T.tolist()}
    path.write_text(json.dumps(content))
    return path


def write_atc(path, signal, leads, rate, step=500):
    def block(name, content):
        head = name + struct.pack("<I", len(content)) + content
        return head + struct.pack("<I", sum(head) % 2**32)

    info = b"2024-04-16T15:19:09.000+02:00".ljust(264, b"\0")
    content = b"ALIVE\0\0\0" + struct.pack("<I", 3) + block(b"info", info)
    content += block(b"fmt ", struct.pack("<BHHBH", 1, rate, step, 1, 0))
    for number in range(signal.shape[1]):
        name = b"ecg " if not number else f"ecg{number + 1}".encode()
        content += block(name, counts(signal[:, number], step / 1e6).astype("<i2").tobytes())
    path.write_bytes(content)
    return path


def write_mat(path, signal, leads, rate, **more):
    """As MATLAB saves variables, a row a lead."""
    from scipy.io import savemat

    content = {"ecg": signal.T, "fs": float(rate), "leads": np.array(leads, object), "units": "mV"}
    savemat(path, {**content, **more}, do_compression=True)
    return path


def write_mat73(path, signal, leads, rate):
    """As MATLAB saves with -v7.3: an HDF5 file behind 512 bytes, texts as numbers of UTF-16."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in {"ecg": signal, "fs": np.array([[float(rate)]])}.items():
            file[name] = value
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["units"] = np.array([[ord(letter)] for letter in "mV"], np.uint16)
        file["units"].attrs["MATLAB_class"] = np.bytes_("char")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\0\2IM")
    return path


def write_npy(path, signal, leads, rate):
    np.save(path, signal)
    return path


def write_npz(path, signal, leads, rate):
    np.savez_compressed(path, signal=signal.T, sampling_rate=rate, leads=np.array(leads), unit="mV")
    return path


def write_hdf5(path, signal, leads, rate):
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "record/ecg", data=signal.astype("f4"), chunks=(500, 1), compression="gzip"
        )
        data.attrs["fs"], data.attrs["units"] = rate, "mV"
        data.attrs.create("leads", list(leads), dtype=h5py.string_dtype())
    return path


def write_parquet(path, signal, leads, rate, lost=()):
    """As pandas writes a table with a clock, without the rows of ``lost``."""
    import pyarrow as pa
    from pyarrow import parquet

    kept = np.setdiff1d(np.arange(len(signal)), lost)
    nanoseconds = 1_700_000_000 * 10**9 + np.round(kept * 1e9 / rate).astype("i8")
    columns = {"time": pa.array(nanoseconds, pa.timestamp("ns"))}
    columns |= {f"{lead} (mV)": pa.array(signal[kept, number]) for number, lead in enumerate(leads)}
    parquet.write_table(pa.table(columns), path, row_group_size=1000)
    return path


def write_ishne(path, signal, leads, rate, step=2500, extra=b"recorder 7", samples=None, checksum=None):
    """By the standard's table; steps in nV."""
    size, count = signal.shape
    codes = [ISHNE_CODES.get(lead, 0) for lead in leads]
    head = struct.pack(
        "<4ih40s40s20s2h9h3h",
        len(extra),
        size if samples is None else samples,
        522,
        522 + len(extra),
        1,
        b"Erika",
        b"Mustermann",
        b"4711",
        2,
        1,
        *(12, 8, 1964, 16, 4, 2024, 17, 4, 2024),
        *(15, 19, 9),
    )
    columns = [_padded(values) for values in (codes, [1] * count, [step] * count)]
    head += struct.pack("<h36hh", count, *columns[0], *columns[1], *columns[2], 0)
    head += struct.pack("<40sh80s80s88s", b"digital", rate, b"", b"", b"") + extra
    crc = binascii.crc_hqx(head, 0xFFFF) if checksum is None else checksum
    data = counts(signal, step / 1e6).astype("<i2").tobytes()
    path.write_bytes(b"ISHNE1.0" + struct.pack("<H", crc) + head + data)
    return path


def _padded(values):
    return [*values, *[-9] * (12 - len(values))]


def write_scp(
    path, signal, leads, rate, step=2500, differences=2, is_huffman=True, flags=0, bimodal=0, reference=None
):
    """By the standard's sections 0, 1, 2, 3 and 6.

    With a ``reference`` (beat ``(samples, leads)``, place of its QRS from 1, rows of type, first, QRS, last),
    that is subtracted and stored in sections 4 and 5.
    """
    values = counts(signal, step / 1e6)
    if reference is not None:
        beat, fiducial, places = reference
        beat = counts(beat, step / 1e6)
        for kind, first, middle, last in places:
            for sample in range(first, last + 1) if kind == 0 else ():
                values[sample - 1] -= beat[sample - middle + fiducial - 1]
    rows = _scp_rows(values, differences, is_huffman)
    spans = b"".join(struct.pack("<IIB", 1, len(values), SCP_CODES[lead]) for lead in leads)
    sections = {1: b"\x00\x0b\x00Mustermann\0\xff\x00\x00", 3: bytes([len(leads), flags | 4]) + spans}
    if is_huffman:
        sections[2] = struct.pack("<H", 19999)
    head = struct.pack("<HHBB", step, round(1e6 / rate), differences, bimodal)
    sections[6] = head + b"".join(struct.pack("<H", len(row)) for row in rows) + b"".join(rows)
    if reference is not None:
        about = struct.pack("<HHH", round(1000 * len(beat) / rate), fiducial, len(places))
        sections[4] = about + b"".join(struct.pack("<HIII", *place) for place in places)
        stored = _scp_rows(beat, differences, is_huffman)
        sections[5] = head + b"".join(struct.pack("<H", len(row)) for row in stored) + b"".join(stored)
    path.write_bytes(_scp_file(sections))
    return path


def _scp_rows(values, differences, is_huffman):
    rows = []
    for column in values.T:
        stored = column.astype(int)
        if differences == 1:
            stored = np.concatenate([column[:1], np.diff(column)])
        elif differences == 2:
            stored = np.concatenate([column[:2], np.diff(column, 2)])
        rows.append(huffman(stored.tolist()) if is_huffman else stored.astype("<i2").tobytes())
    return rows


def _scp_file(sections):
    pointers, content = b"", b""
    place = 6 + 16 + 10 * 12
    for number in range(1, 12):
        body = sections.get(number, b"")
        body += bytes(len(body) % 2)
        length = 16 + len(body) if body else 0
        pointers += struct.pack("<HII", number, length, place + 1 if body else 0)
        if body:
            rest = struct.pack("<HIBB6s", number, length, 20, 20, b"") + body
            content += struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest
            place += length
    length = 16 + 10 * 12
    pointers = struct.pack("<HII", 0, length, 7) + pointers
    rest = struct.pack("<HIBB6s", 0, length, 20, 20, b"SCPECG") + pointers
    whole = struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest + content
    whole = struct.pack("<I", len(whole) + 6) + whole
    return struct.pack("<H", binascii.crc_hqx(whole, 0xFFFF)) + whole


def huffman(values):
    """The standard's default codes of numbers."""
    text = ""
    for value in values:
        if value == 0:
            text += "0"
        elif abs(value) <= 8:
            text += "1" * abs(value) + "0" + ("0" if value > 0 else "1")
        elif -128 <= value <= 127:
            text += "1" * 9 + "0" + format(value % 256, "08b")
        else:
            text += "1" * 10 + format(value % 65536, "016b")
    text += "0" * (-len(text) % 8)
    return bytes(int(text[place : place + 8], 2) for place in range(0, len(text), 8))


def write_aecg(path, signal, leads, rate, step=2.5, gap=None):
    """As an FDA submission; ``gap``: the sample and the length in s of a pause between two sets."""
    start = datetime(2024, 4, 16, 15, 19, 9)
    parts = [(start, signal)]
    if gap is not None:
        place, pause = gap
        parts = [
            (start, signal[:place]),
            (start + timedelta(seconds=place / rate + pause), signal[place:]),
        ]
    sets = "".join(_sequence_set(begin, part, leads, rate, step) for begin, part in parts)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<componentOf><subject><name>Erika Mustermann</name></subject></componentOf>"
        f'<component><series><code code="RHYTHM"/>{sets}</series></component>'
        "</AnnotatedECG>",
        encoding="utf-8",
    )
    return path


def _sequence_set(begin, signal, leads, rate, step):
    stamp = begin.strftime("%Y%m%d%H%M%S.%f")[:-3]
    digits = [" ".join(map(str, counts(column - 0.1, step / 1e3))) for column in signal.T]
    rows = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="100" unit="uV"/><scale value="{step}" unit="uV"/>'
        f"<digits>{row}</digits></value></sequence></component>"
        for lead, row in zip(leads, digits, strict=True)
    )
    return (
        '<component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS">'
        f'<head value="{stamp}"/><increment value="{1 / rate}" unit="s"/></value></sequence></component>'
        f"{rows}</sequenceSet></component>"
    )


def write_muse(path, signal, leads, rate, step=4.88):
    """As a MUSE exports: a median beat, then the rhythm."""

    def wave(kind, samples):
        rows = "".join(
            "<LeadData>"
            f"<LeadByteCountTotal>{2 * len(samples)}</LeadByteCountTotal>"
            f"<LeadAmplitudeUnitsPerBit>{step}</LeadAmplitudeUnitsPerBit>"
            "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>"
            f"<LeadID>{lead}</LeadID><LeadSampleSize>2</LeadSampleSize>\n<WaveFormData>\n"
            f"{base64.encodebytes(counts(column, step / 1e3).astype('<i2').tobytes()).decode()}"
            "</WaveFormData></LeadData>"
            for lead, column in zip(leads, samples.T, strict=True)
        )
        return (
            f"<Waveform><WaveformType>{kind}</WaveformType><NumberofLeads>{len(leads)}</NumberofLeads>"
            f"<SampleBase>{rate}</SampleBase><SampleExponent>0</SampleExponent>{rows}</Waveform>"
        )

    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
        "<RestingECG><PatientDemographics><PatientLastName>Müstermann</PatientLastName></PatientDemographics>"
        f"{wave('Median', signal[:300])}{wave('Rhythm', signal)}</RestingECG>",
        encoding="latin-1",
    )
    return path


def write_dicom(path, signal, leads, rate, step=2.5):
    """As a 12-lead ECG: a rhythm and a median beat."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    def group(samples, label):
        part = Dataset()
        part.MultiplexGroupLabel, part.WaveformOriginality = label, "ORIGINAL"
        part.NumberOfWaveformChannels, part.NumberOfWaveformSamples = samples.shape[1], len(samples)
        part.SamplingFrequency = rate
        part.ChannelDefinitionSequence = []
        for lead in leads:
            source, unit, channel = Dataset(), Dataset(), Dataset()
            source.CodeValue, source.CodingSchemeDesignator = "2:1", "MDC"
            source.CodeMeaning = f"Lead {lead} (Einthoven)" if lead in ("I", "II") else f"Lead {lead}"
            unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
            channel.ChannelSourceSequence = [source]
            channel.ChannelSensitivity, channel.ChannelSensitivityUnitsSequence = step, [unit]
            channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = 1, 0
            channel.WaveformBitsStored = 16
            part.ChannelDefinitionSequence.append(channel)
        part.WaveformBitsAllocated, part.WaveformSampleInterpretation = 16, "SS"
        part.WaveformData = counts(samples, step / 1e3).astype("<i2").tobytes()
        return part

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    content = Dataset()
    content.file_meta, content.PatientName = meta, "Mustermann^Erika"
    content.SOPClassUID, content.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    content.Modality = "ECG"
    content.WaveformSequence = [group(signal[:300], "MEDIAN BEAT"), group(signal, "RHYTHM")]
    content.save_as(path, enforce_file_format=True)
    return path


# Of each format: an ending, what writes a file, and the extra module that reading or writing it needs.
WRITERS = {
    "Movesense": ("json", write_movesense, None),
    "Movesense lines": ("jsonl", write_movesense_lines, None),
    "Kardia": ("json", write_kardia, None),
    "JSON": ("json", write_json, None),
    "ATC": ("atc", write_atc, None),
    "MATLAB": ("mat", write_mat, None),
    "MATLAB 7.3": ("mat", write_mat73, "h5py"),
    "NumPy": ("npy", write_npy, None),
    "NumPy archive": ("npz", write_npz, None),
    "HDF5": ("h5", write_hdf5, "h5py"),
    "Parquet": ("parquet", write_parquet, "pyarrow"),
    "ISHNE": ("ecg", write_ishne, None),
    "SCP-ECG": ("scp", write_scp, None),
    "aECG": ("xml", write_aecg, None),
    "MUSE": ("xml", write_muse, None),
    "DICOM": ("dcm", write_dicom, "pydicom"),
}
