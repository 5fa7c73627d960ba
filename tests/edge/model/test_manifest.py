"""The manifest's check: a right manifest passes unchanged, and any fault is told in one sentence."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_models import tiny_model
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.export.embedding import embed_manifest
from sibeat_edge.errors import ModelError
from sibeat_edge.model import manifest as manifest_module
from sibeat_edge.model.container import ENTRY, find_manifest
from sibeat_edge.model.manifest import QUANTILES, SCHEMA, UNKNOWN, check_manifest, read_manifest, taps_digest
from sibeat_edge.signal.filters import band_pass_taps

GOOD = read_manifest(tiny_model(rebuilds=True))


def leaves(values, path=()):
    """The path of every field that is no object."""
    for key, value in values.items():
        yield from leaves(value, (*path, key)) if isinstance(value, dict) else [(*path, key)]


def changed(path, value):
    """The good manifest with another ``value`` at ``path``."""
    values = copy.deepcopy(GOOD)
    part = values
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return values


def refused(values):
    with pytest.raises(ModelError, match=r"\Amanifest: [^\n]*found [^\n]*expected [^\n]*\Z") as caught:
        check_manifest(values)
    return str(caught.value)


def with_text(text, rebuilds=False):
    """A model with other bytes for its manifest."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(tiny_model(rebuilds)))
    (number,) = [entry.buffer for entry in model.metadata if entry.name == ENTRY]
    model.buffers[number].data = np.frombuffer(text, np.uint8)
    return flatbuffer_utils.convert_object_to_bytearray(model)


def test_a_right_manifest_is_returned_as_it_is():
    values = copy.deepcopy(GOOD)
    assert check_manifest(values) is values and values == GOOD


def test_a_model_without_residuals_may_say_so():
    assert check_manifest({**GOOD, "residuals": None})["residuals"] is None


def test_test_figures_may_be_unknown():
    check_manifest(changed(["expected"], UNKNOWN))
    for field in ("auc", "ap", "auc_record", "false_alarms_per_hour"):
        check_manifest(changed(["expected", field], None))


def test_validation_figures_are_null_without_abnormal_beats():
    check_manifest(changed(["validation"], {"auc": None, "ap": None}))


def old_manifest(**changes):
    """The good manifest as format 2 had it."""
    values = {**GOOD, "format": 2, "expected": {"auc": 0.9937, "ap": 0.9789}, **changes}
    return {key: value for key, value in values.items() if key != "validation" or key in changes}


def test_the_expected_figures_of_format_2_are_read_as_those_of_validation():
    old = old_manifest()
    found = read_manifest(embed_manifest(tiny_model(rebuilds=True), old)[0])
    unchanged = set(GOOD) - {"format", "expected", "validation", "model_sha256"}
    assert check_manifest(found) is found and found["format"] == 4
    assert found["validation"] == old["expected"]
    assert found["expected"].pop("on") == "unknown" and set(found["expected"].values()) == {None}
    assert {key: found[key] for key in unchanged} == {key: GOOD[key] for key in unchanged}


@pytest.mark.parametrize(
    "changes",
    [
        {"expected": {"auc": 0.9}},
        {"expected": None},
        {"validation": {"auc": 0.9, "ap": 0.8}},
        {"format": True},
        {"format": 1},
        {"name": ""},
    ],
)
def test_a_wrong_manifest_of_format_2_is_refused(changes):
    content, _ = embed_manifest(tiny_model(rebuilds=True), old_manifest(**changes))
    with pytest.raises(ModelError, match=r"\Amanifest: [^\n]*found [^\n]*expected [^\n]*\Z"):
        read_manifest(content)


@pytest.mark.parametrize("path", [*leaves(GOOD), *((key,) for key in GOOD)], ids=".".join)
def test_a_missing_field_is_told(path):
    values = copy.deepcopy(GOOD)
    part = values
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    assert f"found no field {path[-1]}" in refused(values)


@pytest.mark.parametrize("path", [("more",), ("signal", "more"), ("threshold", "more")], ids=".".join)
def test_an_unknown_field_is_told(path):
    assert "unknown field 'more'" in refused(changed(path, 1))


@pytest.mark.parametrize(
    "path, value",
    [
        ("format", 1),
        ("format", True),
        ("name", ""),
        ("name", 7),
        ("model_sha256", "0" * 63),
        ("model_sha256", "A" * 64),
        ("signal", ["MLII"]),
        ("signal.rate", 250),
        ("signal.leads", []),
        ("signal.leads", "MLII"),
        ("signal.leads", [""]),
        ("signal.band", [45.0, 3.0]),
        ("signal.band", [3.0]),
        ("signal.band", [3.0, "45"]),
        ("signal.band", [3.0, 200.0]),
        ("signal.order", 107),
        ("signal.order", 0),
        ("signal.order", 108.0),
        ("signal.order", 10**12),
        ("window.before", 0),
        ("window.after", 10**400),
        ("normalisation", "none"),
        ("input", None),
        ("input.scale", 0.0),
        ("input.scale", float("nan")),
        ("score.zero_point", 128),
        ("score.zero_point", -129),
        ("score.zero_point", True),
        ("score.zero_point", 1.0),
        ("residuals", 0),
        ("residuals.scale", -1.0),
        ("threshold.score", float("inf")),
        ("threshold.score", 10**400),
        ("threshold.score", "0.5"),
        ("threshold.score", False),
        ("threshold.false_alarms_per_hour", 0),
        ("calibration.shares", [0.5, 0.1, 0.9]),
        ("calibration.shares", [0.1, 0.9]),
        ("calibration.shares", [0.1, 0.5, 1.1]),
        ("calibration.scores", [0.0] * 2 + [-1.0]),
        ("calibration.scores", []),
        ("calibration.usual", [0.0] * 2),
        ("calibration.beats_per_hour", 0),
        ("expected.auc", 1.01),
        ("expected", {"auc": 0.9, "ap": 0.8}),
        ("expected.auc", "0.9"),
        ("expected.on", ""),
        ("expected.on", None),
        ("expected.false_alarms_per_hour", 44.0),
        ("expected.false_alarms_per_hour", {"mean": 1.0, "median": 1.0}),
        ("expected.false_alarms_per_hour.worst", -1.0),
        ("validation", None),
        ("validation.ap", 1.5),
        ("data_sha256", ""),
        ("licence", None),
    ],
)
def test_a_wrong_value_is_told_with_its_field(path, value):
    path = path.split(".")
    assert refused(changed(path, value)).startswith(f"manifest: {path[0]}") or path[0] == "calibration"


def test_a_calibration_stays_short():
    numbers = np.linspace(0, 1, QUANTILES + 1).tolist()
    calibration = {"shares": numbers, "scores": numbers, "usual": numbers, "beats_per_hour": 4000.0}
    refused(changed(["calibration"], calibration))
    short = {name: value[:-1] if isinstance(value, list) else value for name, value in calibration.items()}
    assert check_manifest(changed(["calibration"], short))["calibration"] == short


def test_a_long_value_is_cut_short():
    assert len(refused(changed(["threshold", "score"], "long" * 10_000))) < 200
    assert len(refused(changed(["long" * 10_000], 1))) < 400


@pytest.mark.parametrize("values", [None, [], "manifest", 1.5])
def test_a_manifest_is_an_object(values):
    refused(values)


def test_the_taps_must_be_those_of_band_and_order():
    assert "taps" in refused(changed(["signal", "order"], 110))
    assert "taps" in refused(changed(["signal", "band"], [3.0, 44.0]))
    assert "taps" in refused(changed(["signal", "taps_sha256"], "0" * 64))


def test_the_taps_checksum_forgives_the_last_bits_alone(monkeypatch):
    digest = taps_digest([3.0, 45.0], 108)
    for error, forgiven in ((1e-14, True), (1e-5, False)):
        with monkeypatch.context() as patch:
            patch.setattr(
                manifest_module, "band_pass_taps", lambda *given, e=error: band_pass_taps(*given) + e
            )
            assert (taps_digest((3.0, 45.0), 108) == digest) is forgiven


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(SCHEMA)), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*leaves(GOOD), *((key,) for key in GOOD)]), json_values)
def test_any_value_of_any_field_passes_or_is_told(path, value):
    values = changed(path, value)
    try:
        check_manifest(values)
    except ModelError:
        return
    nullable = {
        leaf for leaf in leaves(GOOD) if leaf[0] == "residuals" or leaf[1:2] == ("false_alarms_per_hour",)
    }
    assert set(leaves(values)) >= set(leaves(GOOD)) - nullable


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no JSON",
        b'{"format":1',
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b"1" * 100_000,
        b'{"format":NaN}',
        b"{}",
    ],
)
def test_a_file_with_another_text_for_its_manifest_is_refused(text):
    with pytest.raises(ModelError, match=r"\Amanifest: found [^\n]*expected [^\n]*\Z"):
        read_manifest(with_text(text))


@pytest.mark.parametrize(
    "field, value",
    [
        ("threshold", {"score": 1e9, "usual": 0.0, "false_alarms_per_hour": 1.0}),
        ("name", "t"),
        ("data_sha256", "2" * 64),
    ],
)
def test_a_changed_manifest_that_would_be_right_is_refused(field, value):
    other = json.dumps({**read_manifest(tiny_model()), field: value}, separators=(",", ":")).encode()
    with pytest.raises(ModelError, match="found a model of SHA-256"):
        read_manifest(with_text(other))


def test_the_manifest_of_another_model_is_refused():
    first, last = find_manifest(tiny_model())
    with pytest.raises(ModelError, match="found a model of SHA-256"):
        read_manifest(with_text(tiny_model()[first:last], rebuilds=True))
