"""Recordings that cannot be read: each fault is told in one sentence that names the file."""

import numpy as np
import pytest
from examples import write_edf, write_wfdb

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

RATE = 360

MANY = "1\n" * 20  # rows behind a fault, which is then no footer

# Each fault writes a file and returns it, with the arguments and the words that the error must hold.


def signal(samples=3600, leads=1):
    return np.round(np.random.default_rng(0).uniform(-2, 2, (samples, leads)), 3)


def truncated(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def no_file(folder):
    return folder / "none", {}, "no such file"


def unknown_format(folder):
    (folder / "a.mp3").write_bytes(b"abc")
    return folder / "a.mp3", {}, "unknown format; expected a WFDB record"


def a_folder(folder):
    (folder / "a.csv").mkdir()
    return folder / "a.csv", {}, "found a folder; expected a recording"


def wfdb_without_header(folder):
    write_wfdb(folder, "a", signal())
    (folder / "a.hea").unlink()
    return folder / "a.dat", {}, "a.hea: found no such file"


def wfdb_empty_header(folder):
    (folder / "a.hea").write_bytes(b"")
    return folder / "a", {}, "empty file; expected a WFDB header"


def wfdb_junk_header(folder):
    (folder / "a.hea").write_bytes(np.random.default_rng(0).bytes(500))
    return folder / "a", {}, "expected a WFDB header"


def wfdb_no_signals(folder):
    (folder / "a.hea").write_text("a 0 360 0\n")
    return folder / "a", {}, "no signals"


def wfdb_header(folder, text, samples=b"\1\0" * 100):
    (folder / "a.hea").write_text(text)
    (folder / "a.dat").write_bytes(samples)
    return folder / "a"


def wfdb_comments_alone(folder):
    return wfdb_header(folder, "# nothing\n"), {}, "no line but comments"


def wfdb_separators_alone(folder):
    return wfdb_header(folder, "\x1f\n"), {}, "no line but comments"


def wfdb_fewer_signals_than_announced(folder):
    path = wfdb_header(folder, "a 2 250 100\na.dat 16 200/mV\n")
    return path, {}, "found lines for 1 signals; expected 2 as line 1 declares"


def wfdb_more_signals_than_announced(folder):
    path = wfdb_header(folder, "a 1 250 50\na.dat 16\na.dat 16\n")
    return path, {}, "found lines for 2 signals; expected 1 as line 1 declares"


def wfdb_segments_not_listed(folder):
    return wfdb_header(folder, "a/3 1 250 100\na 100\n"), {}, "found lines for 1 segments; expected 3"


def wfdb_segment_of_itself(folder):
    return wfdb_header(folder, "a/1 1 250 100\na 100\n"), {}, "a.hea: found segments; expected a segment"


def wfdb_segments_of_nothing(folder):
    return wfdb_header(folder, "a/1 1 250 100\n~ 100\n"), {}, "no samples; expected at least one"


def wfdb_number_that_is_none(folder):
    return wfdb_header(folder, "a one 250\na.dat 16\n"), {}, "line 1: found 'one'; expected the number of"


def wfdb_rate_of_zero(folder):
    return wfdb_header(folder, "a 1 0 100\na.dat 16\n"), {}, "line 1: found the rate '0'; expected Hz"


def wfdb_format_that_is_none(folder):
    return (
        wfdb_header(folder, "a 1 250\n\na.dat text\n"),
        {},
        "line 3: found 'a.dat text'; expected a file and",
    )


def wfdb_unknown_format(folder):
    return (
        wfdb_header(folder, "a 1 250\na.dat 13\n"),
        {},
        "found the format 13 in its header; expected one of",
    )


def wfdb_two_formats_in_a_file(folder):
    return wfdb_header(folder, "a 2 250\na.dat 16\na.dat 212\n"), {}, "several formats in its header"


def wfdb_gain_that_is_none(folder):
    return wfdb_header(folder, "a 1 250\na.dat 16 2OO/mV\n"), {}, "line 2: found the gain '2OO/mV'; expected"


def wfdb_endless_gain(folder):
    return wfdb_header(folder, "a 1 250\na.dat 16 9e999/mV\n"), {}, "found the gain '9e999/mV'; expected"


def wfdb_skew_beyond_belief(folder):
    return wfdb_header(folder, "a 1 250\na.dat 16:99999\n"), {}, "found a skew of 99999 samples; expected"


def wfdb_text_for_samples(folder):
    path = wfdb_header(folder, "a 1 250\na.dat 16\n", b"0.001,0.25\n" * 100)
    return path, {}, "a.dat: found a text; expected samples in format 16"


def wfdb_file_that_is_a_folder(folder):
    (folder / "a.d").mkdir()
    return wfdb_header(folder, "a 1 250\na.d 16\n"), {}, "a.d: found no such file; a.hea names it"


def wfdb_file_of_an_endless_name(folder):
    path = wfdb_header(folder, f"a 1 250\n{'a' * 3000}.dat 16\n")
    return path, {}, "found a signal file that cannot be read .*too long"


def wfdb_without_signal_file(folder):
    write_wfdb(folder, "a", signal())
    (folder / "a.dat").unlink()
    return folder / "a", {}, "a.dat: found no such file; a.hea names it"


def wfdb_empty_signal_file(folder):
    write_wfdb(folder, "a", signal())
    (folder / "a.dat").write_bytes(b"")
    return folder / "a", {}, "expected 3600 as a.hea declares"


def wfdb_missing_lead(folder):
    return write_wfdb(folder, "a", signal(leads=2), ("V5", "V2")), {}, "leads V5, V2; expected MLII, which"


def wfdb_missing_chosen_lead(folder):
    return write_wfdb(folder, "a", signal()), {"lead": "V6"}, "leads MLII; expected V6."


def wfdb_too_few_leads_chosen(folder):
    path = write_wfdb(folder, "a", signal(leads=2), ("V5", "V2"))
    return path, {"lead": "V5", "wanted": ("MLII", "V1")}, "given the leads V5; expected 2"


def wfdb_unknown_unit(folder):
    return write_wfdb(folder, "a", signal(), units="mmHg"), {}, "lead MLII in 'mmHg'; expected mV"


def wfdb_contradicted_rate(folder):
    return write_wfdb(folder, "a", signal()), {"rate": 250}, "360 Hz; expected 250 Hz as given"


def wfdb_rate_out_of_range(folder):
    return write_wfdb(folder, "a", signal(), rate=20_000), {}, "20000 Hz; expected 50 to 10000"


def wfdb_rate_too_low_for_an_ecg(folder):
    return write_wfdb(folder, "a", signal(), rate=49), {}, "49 Hz; expected 50 to 10000"


def rate_given_too_low_for_an_ecg(folder):
    return write_wfdb(folder, "a", signal()), {"rate": 25}, "given a rate of 25 Hz; expected 50"


def unit_given_that_is_none(folder):
    return write_wfdb(folder, "a", signal()), {"unit": "bar"}, "given the unit 'bar'; expected mV, uV, V or"


def rate_given_out_of_range(folder):
    return write_wfdb(folder, "a", signal()), {"rate": 0}, "given a rate of 0 Hz"


def edf(folder):
    return write_edf(folder / "a.edf", signal().T, [RATE])


def edf_empty(folder):
    (folder / "a.edf").write_bytes(b"")
    return folder / "a.edf", {}, "empty file"


def edf_junk(folder):
    (folder / "a.edf").write_bytes(np.random.default_rng(0).bytes(5000))
    return folder / "a.edf", {}, "no EDF header"


def edf_header_alone(folder):
    truncated(edf(folder), 0.03)
    return folder / "a.edf", {}, "expected an EDF header of 768 .a truncated file"


def edf_changed(folder, place, text):
    return edf_at(edf(folder), place, text)


def edf_at(path, place, text):
    data = bytearray(path.read_bytes())
    data[place : place + len(text)] = text
    path.write_bytes(data)
    return path


def edf_without_signals(folder):
    return edf_changed(folder, 252, b"0   "), {}, "no number of signals in its EDF header"


def edf_without_duration(folder):
    return edf_changed(folder, 244, b"0       "), {}, "found data records of '0' s; expected a duration"


def edf_unknown_number_of_samples(folder):
    path = edf_changed(folder, 256 + 2 * 216, b"many    ")
    return path, {}, "found 'many' samples a data record of channel MLII; expected a number"


def edf_without_range(folder):
    path = edf_changed(folder, 256 + 2 * 104, b"5       ")
    return edf_at(path, 256 + 2 * 112, b"5       "), {}, "found no range of values of channel MLII"


def edf_unknown_unit(folder):
    return edf_changed(folder, 256 + 2 * 96, b"mmHg    "), {}, "lead MLII in 'mmHg'; expected mV"


def edf_missing_lead(folder):
    return write_edf(folder / "a.edf", signal().T, [RATE], ["ECG V1"]), {}, "leads ECG V1; expected MLII"


def edf_two_rates(folder):
    path = write_edf(folder / "a.edf", [np.zeros(360), np.zeros(200)], [360, 200], ["MLII", "V1"])
    return path, {"wanted": ("MLII", "V1")}, "leads at 200 and 360 Hz; expected one rate"


def csv(folder, text, **arguments):
    (folder / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / "a.csv", arguments


def csv_empty(folder):
    return *csv(folder, ""), "empty file"


def csv_blank(folder):
    return *csv(folder, "\n\n", rate=360), "no row of text"


def csv_binary(folder):
    return *csv(folder, bytes(range(256)) * 9, rate=360), "no row of text"


def csv_endless_line(folder):
    return *csv(folder, "1," * 100_000, rate=360), "no row of text"


def csv_headings_alone(folder):
    return *csv(folder, "MLII\n", rate=360), "found no samples"


def csv_clock_without_samples(folder):
    return *csv(folder, "time,MLII\n0,1\n"), "fewer than 2 samples"


def csv_without_rate(folder):
    return *csv(folder, "MLII\n1\n2\n"), "no column of time; expected one, or the rate"


def csv_time_alone(folder):
    return *csv(folder, "time\n1\n2\n"), "time alone; expected a lead"


def csv_unknown_time_unit(folder):
    return *csv(folder, "time (fortnights),MLII\n1,2\n"), "time in 'fortnights'; expected s, ms"


def csv_unknown_unit(folder):
    return *csv(folder, "MLII (bar)\n1\n2\n", rate=360), "lead MLII in 'bar'; expected mV"


def csv_text(folder):
    return *csv(folder, "MLII\n1\n2\n1x3\n" + MANY, rate=360), "line 4: found '1x3'; expected a number"


def csv_a_word_that_may_be_a_name(folder):
    return *csv(folder, "MLII\n1\n2\nErika\n" + MANY, rate=360), "line 4: found a word; expected a number"


def csv_a_fault_in_the_first_row(folder):
    return *csv(folder, "V5,MLII\n1,2,3\n1,2\n", rate=360), "line 2: found 3 cells; expected 2"


def csv_points_beside_decimal_commas(folder):
    text = "MLII;V1\n0,5;0,1\n1.000;0,1\n" + "0,5;0,1\n" * 20
    return *csv(folder, text, rate=360), "line 3: found '1.000'; expected a number"


def csv_short_row(folder):
    return *csv(
        folder, "V5,MLII\n1,2\n1\n" + "1,2\n" * 20, rate=360
    ), "line 3: found 1 of 2 columns; expected all"


def csv_rows_wider_than_the_headings(folder):
    return *csv(
        folder, "MLII\n" + "1,2\n" * 20, rate=360
    ), "line 2: found 2 cells; expected 1, as .* headings"


def csv_a_row_that_is_wider(folder):
    text = "V5,MLII\n1,2\n1,2,3\n" + "1,2\n" * 20
    return *csv(folder, text, rate=360), "line 3: found 3 cells; expected 2, as there are headings"


def csv_without_names(folder):
    return *csv(folder, "1,2\n3,4\n", rate=360), "leads 1, 2; expected MLII"


def csv_time_missing(folder):
    return *csv(
        folder, "time,MLII\n0,1\n0.01,2\n,3\n" + "".join(f"{row / 100},1\n" for row in range(3, 50))
    ), ("line 4: found ''; expected a number")


def csv_clock_stands(folder):
    return *csv(folder, "time,MLII\n" + "5,1\n" * 50), "clock that does not go on"


def csv_clock_goes_back(folder):
    rows = [*np.arange(0, 30, 0.01), *np.arange(4, 5, 0.01)]
    text = "time,MLII\n" + "".join(f"{row:.2f},1\n" for row in rows)
    return *csv(folder, text), "about line 3002: found 4 s after .* go back"


def csv_clock_changes_its_rate(folder):
    rows = [*np.arange(0, 120, 0.01), *np.arange(120, 180, 0.02)]
    text = "time,MLII\n" + "".join(f"{row:.2f},1\n" for row in rows)
    return *csv(folder, text), "a clock that is not steady; expected one of about 100 Hz, or the rate"


def csv_clock_too_slow_for_an_ecg(folder):
    text = "time,MLII\n" + "".join(f"{row / 25:.2f},1\n" for row in range(100))
    return *csv(folder, text), "a rate of 25 Hz; expected 50 to 10000"


def csv_gzip_that_is_damaged(folder):
    (folder / "a.csv.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    return folder / "a.csv.gz", {"rate": 360}, "compressed data that are damaged"


def csv_contradicted_rate(folder):
    text = "time,MLII\n" + "".join(f"{row:.2f},1\n" for row in np.arange(0, 5, 0.01))
    return *csv(folder, text, rate=250), "100 Hz; expected 250 Hz as given"


FAULTS = [
    value
    for name, value in list(globals().items())
    if name.startswith(
        ("no_file", "unit_given", "unknown_", "a_folder", "wfdb_", "rate_given", "edf_", "csv_")
    )
    and name not in ("edf_changed", "edf_at", "wfdb_header")
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_told_in_one_sentence_that_names_the_file(tmp_path, fault):
    path, arguments, words = fault(tmp_path)
    with pytest.raises(RecordError, match=words) as caught:
        for _ in read_record(path, **arguments).blocks():
            pass
    told = str(caught.value)
    assert told.startswith(str(path.with_suffix(""))) and told.endswith(".") and "\n" not in told
