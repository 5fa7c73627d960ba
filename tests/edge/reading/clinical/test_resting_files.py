"""Resting ECGs of clinics: SCP-ECG, HL7 aECG, MUSE and DICOM."""

import struct

import numpy as np
import pytest
from device_files import beats, write_aecg, write_dicom, write_muse, write_scp

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.record import read_record

LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
SIGNAL = beats(10, 500, 8)


def replaced(path, old, new, count=-1):
    path.write_bytes(path.read_bytes().replace(old.encode("latin-1"), new.encode("latin-1"), count))
    return path


class TestScp:
    @pytest.mark.parametrize("differences", [0, 1, 2])
    @pytest.mark.parametrize("is_huffman", [False, True])
    def test_plain_and_coded_samples_and_their_differences(self, tmp_path, differences, is_huffman):
        noise = np.random.default_rng(0).normal(scale=0.4, size=SIGNAL.shape)
        path = write_scp(
            tmp_path / "a.scp", SIGNAL + noise, LEADS, 500, differences=differences, is_huffman=is_huffman
        )
        record = read_record(path, "V6")
        assert record.rate == 500 and not record.source.warnings
        np.testing.assert_allclose(record.signal[:, 0], (SIGNAL + noise)[:, 7], atol=0.00126)

    @pytest.mark.parametrize("is_huffman", [False, True])
    def test_a_reference_beat_that_was_subtracted_is_added_again(self, tmp_path, is_huffman):
        noise = np.random.default_rng(0).normal(scale=0.1, size=SIGNAL.shape)
        beat = SIGNAL[200:500]
        places = [(0, 1, 100, 250), (1, 600, 700, 800), (0, 1450, 1500, 1620), (0, 4900, 4950, 5000)]
        path = write_scp(
            *(tmp_path / "a.scp", SIGNAL + noise, LEADS, 500),
            is_huffman=is_huffman,
            flags=1,
            reference=(beat, 120, places),
        )
        found = read_record(path, "V6").signal[:, 0]
        np.testing.assert_allclose(found, (SIGNAL + noise)[:, 7], atol=0.00126)

    def test_a_reference_beat_of_another_rate_is_refused(self, tmp_path):
        path = write_scp(
            tmp_path / "a.scp", SIGNAL, LEADS, 500, flags=1, reference=(SIGNAL[:300], 100, [(0, 1, 100, 200)])
        )
        head = struct.pack("<HHBB", 2500, 2000, 2, 0)
        content = path.read_bytes()
        assert content.count(head) == 2  # of sections 5 and 6
        path.write_bytes(content.replace(head, struct.pack("<HHBB", 2500, 4000, 2, 0), 1))
        with pytest.raises(RecordError, match="found a reference beat in steps of 2500 nV and 4000 us"):
            open_source(path, None)

    def test_limb_leads_follow_from_two(self, tmp_path):
        source, _ = open_source(write_scp(tmp_path / "a.scp", SIGNAL, LEADS, 500), None)
        assert source.leads == [*LEADS, "III", "aVR", "aVL", "aVF"]
        (_, block), *_ = source.blocks([0, 1, 8, 9, 10, 11], 60)
        one, two = block[:, 0], block[:, 1]
        expected = [two - one, -(one + two) / 2, one - two / 2, two - one / 2]
        np.testing.assert_allclose(block[:, 2:], np.stack(expected, axis=1), atol=1e-9)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"flags": 1}, "found no reference beat, though one is subtracted"),
            ({"bimodal": 1}, "thinned out between beats"),
            ({"step": 2500, "differences": 0, "is_huffman": False, "leads": ()}, "found 0 leads"),
        ],
    )
    def test_what_cannot_be_undone_is_refused(self, tmp_path, options, words):
        leads = options.pop("leads", LEADS)
        path = write_scp(tmp_path / "a.scp", SIGNAL[:, : len(leads)], leads, 500, **options)
        with pytest.raises(RecordError, match=words):
            open_source(path, None)

    def test_a_changed_byte_is_told(self, tmp_path):
        path = write_scp(tmp_path / "a.scp", SIGNAL, LEADS, 500, is_huffman=False)
        content = bytearray(path.read_bytes())
        content[-100] ^= 4
        path.write_bytes(content)
        assert "another checksum" in open_source(path, None)[0].warnings[0]

    def test_tables_of_its_own(self, tmp_path):
        """Two tables: the first gives 0 and 1 and goes on to the second, which gives numbers of 16 bits."""
        from device_files import _scp_file

        table = struct.pack("<H", 2)
        table += struct.pack("<H", 3) + b"".join(
            struct.pack("<BBBhI", *row) for row in [(1, 1, 1, 0, 0), (2, 2, 1, 1, 1), (2, 2, 0, 2, 3)]
        )
        table += struct.pack("<H", 2) + b"".join(
            struct.pack("<BBBhI", *row) for row in [(1, 17, 1, 0, 0), (1, 1, 0, 1, 1)]
        )
        bits = "0" + "10" + "0" + "11" + "0" + format(300, "016b") + "1" + "10" + "0"
        data = int(bits.ljust(32, "0"), 2).to_bytes(4, "big")
        rhythm = struct.pack("<HHBBH", 1000, 2000, 0, 0, len(data)) + data
        leads = bytes([1, 4]) + struct.pack("<IIB", 1, 6, 2)
        (tmp_path / "a.scp").write_bytes(_scp_file({2: table, 3: leads, 6: rhythm}))
        found = read_record(tmp_path / "a.scp").signal[:, 0]
        np.testing.assert_allclose(found, [0, 0.001, 0, 0.3, 0.001, 0])


class TestAecg:
    def test_sets_behind_a_pause_keep_their_times(self, tmp_path):
        path = write_aecg(tmp_path / "a.xml", SIGNAL, LEADS, 500, gap=(2000, 3.5))
        record = read_record(path, "V1")
        found = record.signal[:, 0]
        assert record.seconds == 13.5 and np.isnan(found[2000:3750]).all()
        np.testing.assert_allclose(found[3750:], SIGNAL[2000:, 2], atol=0.00126)

    def test_a_prefix_of_the_namespace(self, tmp_path):
        path = write_aecg(tmp_path / "a.xml", SIGNAL, LEADS, 500)
        text = path.read_text().replace("<", "<hl7:").replace("<hl7:/", "</hl7:").replace("<hl7:?", "<?")
        path.write_text(text.replace("xmlns=", "xmlns:hl7="))
        assert open_source(path, None)[0].leads == list(LEADS)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('unit="s"', 'unit="mm"', "no increment of time"),
            ('<scale value="2.5" unit="uV"/>', "", "lead I without a scale"),
            ('<scale value="2.5" unit="uV"/>', '<scale value="2.5" unit="mmHg"/>', "lead I without a scale"),
            ("<digits>", "<digits>x ", "digits that are numbers"),
            ("sequenceSet", "other", "no series of sequences"),
            ("</AnnotatedECG>", "", "no well-formed XML"),
            ("digits", "values", "no leads"),
        ],
    )
    def test_faults_are_told(self, tmp_path, old, new, words):
        path = replaced(write_aecg(tmp_path / "a.xml", SIGNAL, LEADS, 500), old, new)
        with pytest.raises(RecordError, match=words) as caught:
            open_source(path, None)
        assert "Mustermann" not in str(caught.value)


class TestMuse:
    def test_the_rhythm_is_read_and_not_the_median_beat(self, tmp_path):
        record = read_record(write_muse(tmp_path / "a.xml", SIGNAL, LEADS, 500))
        assert record.seconds == 10 and record.leads == ("II",)
        assert record.source.leads == [*LEADS, "III", "aVR", "aVL", "aVF"]

    @pytest.mark.parametrize(("unit", "step"), [("µV", "4.88"), ("Microvolts", "4,88"), ("mV", "0.00488")])
    def test_units_and_decimals_as_people_write_them(self, tmp_path, unit, step):
        path = write_muse(tmp_path / "a.xml", SIGNAL, LEADS, 500)
        whole = read_record(path).signal
        text = path.read_text("latin-1").replace("MICROVOLTS", unit).replace(">4.88<", f">{step}<")
        path.write_text(text, encoding="latin-1")
        np.testing.assert_allclose(read_record(path).signal, whole)

    def test_a_rate_by_its_exponent(self, tmp_path):
        path = replaced(write_muse(tmp_path / "a.xml", SIGNAL, LEADS, 500), ">500<", ">5<")
        path = replaced(path, "Exponent>0<", "Exponent>2<")
        assert read_record(path).rate == 500

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("<LeadAmplitudeUnits>MICROVOLTS", "<LeadAmplitudeUnits>APPLES", "lead I without a step"),
            ("<LeadSampleSize>2", "<LeadSampleSize>3", "lead I without a step"),
            ("SampleBase", "Other", "no SampleBase"),
            ("LeadData", "Other", "no leads"),
            ("<WaveformType>Median", "<!-- <WaveformType>Median", "XML"),
        ],
    )
    def test_faults_are_told(self, tmp_path, old, new, words):
        path = replaced(write_muse(tmp_path / "a.xml", SIGNAL, LEADS, 500), old, new)
        with pytest.raises(RecordError, match=words):
            open_source(path, None)

    def test_entities_are_refused_and_files_are_not_fetched(self, tmp_path):
        path = write_muse(tmp_path / "a.xml", SIGNAL, LEADS, 500)
        bomb = '<!DOCTYPE RestingECG [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        replaced(path, '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">', bomb)
        with pytest.raises(RecordError, match="found entities"):
            open_source(path, None)

    def test_elements_deep_within_one_another_are_refused(self, tmp_path):
        (tmp_path / "a.xml").write_text("<RestingECG>" + "<Waveform>" * 1000 + "</Waveform>" * 1000)
        with pytest.raises(RecordError, match="more than 100 within one another"):
            open_source(tmp_path / "a.xml", None)

    def test_a_file_of_nothing_but_elements_is_refused(self, tmp_path):
        (tmp_path / "a.xml").write_text("<RestingECG>" + "<a/>" * 400_000 + "</RestingECG>")
        with pytest.raises(RecordError, match="more than 300000 elements"):
            open_source(tmp_path / "a.xml", None)


class TestDicom:
    @pytest.fixture(autouse=True)
    def needs(self):
        pytest.importorskip("pydicom", reason="no pydicom: pip install 'sibeat_edge[formats]'")

    def test_the_longest_group_is_read(self, tmp_path):
        record = read_record(write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500))
        assert record.seconds == 10 and record.source.leads == list(LEADS) and not record.warnings
        np.testing.assert_allclose(record.signal[:, 0], SIGNAL[:, 1], atol=0.00126)

    def test_groups_of_one_length_are_told(self, tmp_path):
        import pydicom

        path = write_dicom(tmp_path / "a.dcm", SIGNAL[:300], LEADS, 500)
        assert "found 2 groups of leads; took number 1" in open_source(path, None)[0].warnings[0]
        content = pydicom.dcmread(path)
        del content.WaveformSequence
        content.save_as(path)
        with pytest.raises(RecordError, match="no waveforms"):
            open_source(path, None)

    @staticmethod
    def changed(path, change):
        import pydicom

        content = pydicom.dcmread(path)
        change(content.WaveformSequence)
        content.save_as(path)
        return path

    def test_another_rhythm_is_told_whatever_its_length(self, tmp_path):
        def halved(groups):
            groups[0].WaveformData = groups[1].WaveformData[: len(groups[1].WaveformData) // 2]
            groups[0].NumberOfWaveformSamples = len(SIGNAL) // 2

        path = self.changed(write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500), halved)
        assert "found 2 groups of leads; took number 2" in read_record(path).warnings[0]

    def test_of_a_cut_group_is_read_what_is_there(self, tmp_path):
        path = write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500)
        whole = read_record(path).signal
        path.write_bytes(path.read_bytes()[: -2 * len(LEADS) * 1000])
        record = read_record(path)
        np.testing.assert_array_equal(record.signal, whole[:-1000])
        assert "truncated" in record.cut

    def test_a_group_that_declares_fewer_samples_than_it_has_is_told(self, tmp_path):
        path = write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500)
        self.changed(path, lambda groups: setattr(groups[1], "NumberOfWaveformSamples", 2000))
        record = read_record(path)
        assert len(record.signal) == 2000 and "no more are read" in record.warnings[0]

    def test_samples_of_the_padding_value_are_missing(self, tmp_path):
        def padded(groups):
            groups[1].add_new(0x5400100A, "OW", b"\0\x80")
            data = groups[1].WaveformData
            groups[1].WaveformData = data[:800] + b"\0\x80" * len(LEADS) * 50 + data[800 + 100 * len(LEADS) :]

        path = self.changed(write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500), padded)
        first = 800 // (2 * len(LEADS))
        is_missing = np.isnan(read_record(path).signal[:, 0])
        assert np.flatnonzero(is_missing).tolist() == list(range(first, first + 50))

    def test_without_sensitivities_no_unit_is_stated(self, tmp_path):
        import pydicom

        path = write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500)
        content = pydicom.dcmread(path)
        for channel in content.WaveformSequence[1].ChannelDefinitionSequence:
            del channel.ChannelSensitivity
        content.save_as(path)
        source, _ = open_source(path, None)
        assert source.units == [""] * 8
        found = read_record(path, unit="400/mV").signal[:, 0]
        np.testing.assert_allclose(found, SIGNAL[:, 1], atol=0.00126)

    def test_a_deflated_file_is_refused(self, tmp_path):
        import pydicom

        path = write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500)
        content = pydicom.dcmread(path)
        content.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
        content.save_as(path)
        with pytest.raises(RecordError, match="a deflated file"):
            open_source(path, None)

    def test_what_pydicom_says_of_a_damaged_file_stays_off_the_screen(self, tmp_path, capfd, recwarn):
        path = write_dicom(tmp_path / "a.dcm", SIGNAL, LEADS, 500)
        path.write_bytes(path.read_bytes().replace(b"Mustermann^Erika", b"Muster\xff\xfe^^^^===="))
        open_source(path, None)
        out, err = capfd.readouterr()
        assert out == err == "" and not recwarn.list
