"""What is said of a recording is what scoring takes, and how each was told."""

import gzip

import numpy as np
import pytest
from device_files import WRITERS, beats, write_movesense
from examples import write_edf, write_wfdb

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.inspecting import inspect
from sibeat_edge.reading.record import read_record


@pytest.mark.parametrize("kind", WRITERS)
def test_it_agrees_with_reading(tmp_path, kind):
    ending, write, module = WRITERS[kind]
    if module is not None:
        pytest.importorskip(module, reason=f"no {module}: pip install 'sibeat_edge[formats]'")
    path = write(tmp_path / f"a.{ending}", beats(10, 250), ("I", "II"), 250)
    rate = 250 if kind == "NumPy" else None
    found = inspect(path, "first", rate)
    record = read_record(path, "first", rate)
    signal = record.signal
    (lead,) = [lead for lead in found.leads if lead.name == record.leads[0]]
    assert found.format == kind.removesuffix(" lines").removesuffix(" 7.3") and found.name == "a"
    assert found.taken == record.leads and found.warnings == record.warnings and not found.refusal
    assert (found.seconds, lead.samples, lead.rate) == (pytest.approx(10), 2500, 250)
    assert (lead.lowest, lead.highest) == pytest.approx((signal.min(), signal.max()), abs=1e-9)
    assert not found.gaps and not found.cut and lead.missing == 0 and lead.in_millivolts
    assert set(found.told) >= {"format", "leads", "units", "rate"} and all(found.told.values())


def test_gaps_and_missing_samples(tmp_path):
    path = write_movesense(tmp_path / "a.json", beats(60, 125), (), 125, lost=range(100, 200))
    found = inspect(path)
    assert found.seconds == pytest.approx(60) and found.gaps == ((12.8, pytest.approx(12.8)),)
    assert found.refusal.endswith("(--lead NAME takes another).") and found.taken == ()
    values = beats(10, 250)[:, :1]
    values[100:150] = np.nan
    found = inspect(write_wfdb(tmp_path, "w", values, rate=250))
    assert found.leads[0].missing == 50 and found.format == "WFDB" and found.taken == ("MLII",)


def test_leads_of_several_rates(tmp_path):
    path = write_edf(tmp_path / "a.edf", [np.zeros(100), beats(10, 250)[:, 0]], [10, 250], ["Resp", "MLII"])
    found = inspect(path)
    assert [(lead.name, lead.rate, lead.samples) for lead in found.leads] == [
        ("Resp", 10, 100),
        ("MLII", 250, 2500),
    ]


def test_a_rate_that_scoring_refuses_is_told_and_the_file_is_read(tmp_path):
    path = write_edf(tmp_path / "a.edf", [np.arange(10.0) / 5], [1], ["MLII"])
    np.save(tmp_path / "a.npy", np.arange(10_000.0))
    assert inspect(path).leads[0].samples == 10
    assert inspect(tmp_path / "a.npy", rate=1.0).leads[0].highest == 9999


def test_where_nothing_is_stated_the_guess_and_the_options_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("100\n-200\n")
    found = inspect(tmp_path / "a.csv", rate=250)
    assert found.told["rate"] == "the option" and found.told["units"].startswith("a guess: mV")
    assert found.leads[0].highest == 100
    found = inspect(tmp_path / "a.csv", rate=250, unit="uV")
    assert found.told["units"] == "the option: uV" and found.leads[0].highest == pytest.approx(0.1)


def test_a_lead_that_scoring_does_not_take_by_itself_has_the_unit_that_scoring_would_take(tmp_path):
    path = tmp_path / "a.csv"
    np.savetxt(path, np.round(1000 * beats(10, 250)[:, :1]), header="ecg", comments="")
    alone, asked = inspect(path, rate=250), inspect(path, "ecg", rate=250)
    assert alone.refusal and alone.leads == asked.leads and alone.leads[0].unit == "uV"
    assert alone.told["units"] == asked.told["units"] == "a guess: uV, as the file states none"


def test_a_compressed_file_is_inspected_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write("time,MLII (mV)\n0,0.1\n0.004,0.2\n")
    found = inspect(tmp_path / "a.csv.gz")
    assert (found.name, found.format, found.told["rate"]) == ("a", "text", "the clock")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv.gz"]


@pytest.mark.parametrize("content", [None, b"", b"\0\1\2"])
def test_what_cannot_be_read_is_an_error(tmp_path, content):
    if content is not None:
        (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(RecordError):
        inspect(tmp_path / "a.npz")
