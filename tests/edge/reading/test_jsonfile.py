"""JSON of Movesense and Kardia, with the quirks of real files."""

import json

import numpy as np
import pytest
from device_files import (
    MOVESENSE_STEP,
    beats,
    movesense_packets,
    write_kardia,
    write_movesense,
    write_movesense_lines,
)

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.record import read_record

LEADS = ("I", "II")


def signal(seconds=20, rate=125):
    return beats(seconds, rate)


class TestMovesense:
    @pytest.mark.parametrize("write", [write_movesense, write_movesense_lines])
    def test_lost_packets_are_a_gap_and_later_samples_keep_their_times(self, tmp_path, write):
        values = signal()
        path = write(tmp_path / "a.json", values, LEADS, 125, lost=range(40, 90))
        record = read_record(path, "ECG")
        found = record.signal[:, 0]
        assert record.rate == 125 and len(found) == len(values)
        missing = np.isnan(found)
        assert missing[40 * 16 : 90 * 16].all() and missing.sum() == 50 * 16
        np.testing.assert_allclose(found[~missing], values[~missing, 0], atol=MOVESENSE_STEP / 2 + 1e-7)

    @pytest.mark.parametrize("rate", [125, 128, 200, 250, 256, 500, 512])
    def test_the_rate_is_that_of_the_timestamps_though_these_are_whole_ms(self, tmp_path, rate):
        path = write_movesense(tmp_path / "a.json", signal(rate=rate), LEADS, rate)
        assert read_record(path, "ECG").rate == rate

    def test_a_logbook_with_other_sensors_between(self, tmp_path):
        rows = []
        for packet in movesense_packets(signal(), 125):
            stamp = packet["Timestamp"]
            rows.append({"acc": {"Timestamp": stamp, "ArrayAcc": [{"x": 0.1, "y": 0.2, "z": 9.8}]}})
            rows.append({"ecg": {"Samples": packet["Samples"], "Timestamp": stamp}})
        path = tmp_path / "a.json"
        path.write_text(json.dumps({"data": rows}, indent=2))
        np.testing.assert_allclose(read_record(path, "ECG").signal[:, 0], signal()[:, 0], atol=2e-4)

    def test_samples_in_millivolts_stay_so(self, tmp_path):
        uri = "174430000051/Meas/ECG/125/mV"
        rows = [
            {"Body": {**packet, "Samples": [MOVESENSE_STEP * v for v in packet["Samples"]]}, "Uri": uri}
            for packet in movesense_packets(signal(), 125)
        ]
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
        record = read_record(tmp_path / "a.jsonl", "ECG")
        np.testing.assert_allclose(record.signal[:, 0], signal()[:, 0], atol=2e-4)
        assert "mV" in record.source.told["units"]

    def test_without_timestamps_the_address_or_the_option_gives_the_rate(self, tmp_path):
        rows = [{"Body": {"Samples": p["Samples"]}} for p in movesense_packets(signal(), 125)]
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(RecordError, match="no timestamps of packets; expected them, or the rate"):
            read_record(tmp_path / "a.jsonl", "ECG")
        record = read_record(tmp_path / "a.jsonl", "ECG", rate=125)
        assert record.rate == 125 and "without timestamps" in record.warnings[0]
        rows = [{**row, "Uri": "1744/Meas/ECG/250"} for row in rows]
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
        assert read_record(tmp_path / "a.jsonl", "ECG").rate == 250

    @pytest.mark.parametrize("write", [write_movesense, write_movesense_lines])
    def test_a_cut_file_gives_the_packets_before_the_cut(self, tmp_path, write):
        path = write(tmp_path / "a.json", signal(), LEADS, 125)
        text = path.read_text()
        path.write_text(text[: text.rindex('"Samples"') + 20])
        record = read_record(path, "ECG")
        assert "ends too early" in record.cut and 0 < len(record.signal) < len(signal())

    @pytest.mark.parametrize("change", ["swapped", "twice", "later twice"])
    def test_packets_in_another_order_or_twice_are_put_in_order(self, tmp_path, change):
        packets = movesense_packets(signal(), 125)
        whole = read_record(self.written(tmp_path, packets), "ECG").signal
        if change == "swapped":
            packets[10], packets[11] = packets[11], packets[10]
        else:
            packets.insert(11 if change == "twice" else 15, packets[10])
        record = read_record(self.written(tmp_path, packets), "ECG")
        np.testing.assert_array_equal(record.signal, whole)
        assert "another order" in record.warnings[0]

    def test_a_missing_sample_is_missing(self, tmp_path):
        path = self.written(tmp_path, movesense_packets(signal(), 125))
        path.write_text(path.read_text().replace('"Samples": [', '"Samples": [null, ', 1))
        found = read_record(path, "ECG").signal[:, 0]
        assert np.isnan(found[0]) and np.isfinite(found[1:]).all()

    def test_a_clock_of_32_bits_may_begin_again(self, tmp_path):
        packets = movesense_packets(signal(), 125, start=2**32 - 1000)
        packets = [{**packet, "Timestamp": packet["Timestamp"] % 2**32} for packet in packets]
        record = read_record(self.written(tmp_path, packets), "ECG")
        assert record.rate == 125 and record.seconds == len(signal()) / 125

    @staticmethod
    def written(folder, packets):
        (folder / "a.json").write_text(json.dumps({"data": [{"ecg": packet} for packet in packets]}))
        return folder / "a.json"

    def test_packets_across_the_reads_are_whole(self, tmp_path, monkeypatch):
        path = write_movesense_lines(tmp_path / "a.json", signal(), LEADS, 125)
        whole = read_record(path, "ECG").signal
        for chunk in (97, 1000):
            monkeypatch.setattr("sibeat_edge.reading.jsonfile.CHUNK", chunk)
            np.testing.assert_array_equal(read_record(path, "ECG").signal, whole)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"data": [{"ecg": {"Timestamp": 1, "Samples": []}}]}', "no samples"),
            ('{"Timestamp": 1, "Samples": [1, "x"]}', "no number"),
            ('{"Timestamp": 1, "Samples": [{"x": 1}]}', "no list"),
            ('{"Timestamp": 1, "Samples": [1', "ends too early"),
            ('{"a": [{"Timestamp": 99999, "Samples": [1]}, {"Timestamp": 1, "Samples": [1]}]}', "go back"),
        ],
    )
    def test_faults_are_told(self, tmp_path, text, words):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(RecordError, match=words):
            open_source(tmp_path / "a.json", None)


class TestKardia:
    def test_six_leads_of_the_raw_signal(self, tmp_path):
        leads = ("I", "II", "III", "aVR", "aVL", "aVF")
        values = beats(30, 300, 6)
        record = read_record(write_kardia(tmp_path / "a.json", values, leads, 300), "aVF")
        assert tuple(record.source.leads) == leads and record.rate == 300
        np.testing.assert_allclose(record.signal[:, 0], values[:, 5], atol=0.00025 + 1e-7)
        assert "raw" in record.source.told["leads"]

    def test_the_enhanced_signal_is_taken_where_there_is_no_other(self, tmp_path):
        path = write_kardia(tmp_path / "a.json", beats(30, 300), LEADS, 300)
        content = json.loads(path.read_text())
        del content["data"]["raw"]
        path.write_text("\ufeff" + json.dumps(content), encoding="utf-8")
        record = read_record(path, "I")
        assert record.signal.max() == pytest.approx(0.5, abs=0.01)
        assert "enhanced" in record.source.told["leads"]

    def test_without_a_resolution_no_unit_is_stated(self, tmp_path):
        path = write_kardia(tmp_path / "a.json", beats(30, 300), LEADS, 300)
        path.write_text(path.read_text().replace("amplitudeResolution", "other"))
        source, _ = open_source(path, None)
        assert source.units == ["", ""]
        assert read_record(path, "I", unit="2000/mV").signal.max() == pytest.approx(1, abs=1e-3)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('"frequency"', '"other"', "no frequency"),
            ('"frequency": 300', '"frequency": true', "no frequency"),
            ('"samples"', '"values"', "no samples"),
            ("[", "[[1], ", "lists of numbers"),
            ("{", "", "expected JSON"),
        ],
    )
    def test_faults_are_told(self, tmp_path, old, new, words):
        path = write_kardia(tmp_path / "a.json", beats(30, 300), LEADS, 300)
        text = path.read_text()
        path.write_text(text.replace(old, new, 1) if old == "{" else text.replace(old, new))
        with pytest.raises(RecordError, match=words) as caught:
            open_source(path, None)
        assert "Mustermann" not in str(caught.value)

    def test_leads_of_different_lengths_are_told(self, tmp_path):
        path = write_kardia(tmp_path / "a.json", beats(30, 300), LEADS, 300)
        content = json.loads(path.read_text())
        content["data"]["raw"]["samples"]["leadI"].pop()
        path.write_text(json.dumps(content))
        source, _ = open_source(path, None)
        assert "different lengths" in source.warnings[0] and source.seconds == 30 - 1 / 300
