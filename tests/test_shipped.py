"""The int8 presets that ship in sibeat_edge, and the firmware bundle, on real beats and in all runtimes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from keras_sibeat.data.sources import load_folds
from keras_sibeat.preset import preset_config
from keras_sibeat.runtimes import score_litert, score_tflm, score_with
from sibeat_edge.manifest import read_manifest
from sibeat_edge.runtime import Model

ROOT = Path(__file__).parents[1]
SHIPPED = sorted((ROOT / "export" / "sibeat_edge" / "presets").glob("*.tflite"))
FIRMWARE = ROOT / "export" / "firmware"
LARGEST_FLASH, LARGEST_ARENA = 28 * 1024, 8 * 1024  # bytes
BEATS = 1000


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda file: file.stem)
def file(request):
    return request.param


@pytest.fixture(scope="module")
def beats(file, mitdb):
    """A thousand real beats of the test fold, spread over it, as the model's int8 input."""
    config = preset_config(file.stem, mitdb)
    test = load_folds(config)[config.protocol.folds[0]].test
    chosen, model = test.take(np.linspace(0, len(test) - 1, BEATS).astype(int)), Model(file)
    quantised = [model.quantise(*beat) for beat in zip(*chosen.parts, strict=True)]
    return [np.stack(part) for part in zip(*quantised, strict=True)]


def differences(file, scores, beats):
    """Units of the last place between scores and those of LiteRT's builtin kernels, and decisions flipped."""
    content = file.read_bytes()
    manifest, reference = read_manifest(content), score_litert(content, beats).astype(int)
    limit = manifest["threshold"]["score"] / manifest["score"]["scale"] + manifest["score"]["zero_point"]
    return np.abs(scores.astype(int) - reference).max(), np.sum((scores > limit) != (reference > limit))


def test_it_is_small_and_its_manifest_lies_beside_it(file):
    content = file.read_bytes()
    report = json.loads(file.with_name(f"{file.stem}-report.json").read_text())
    assert len(content) == report["flash_bytes"] <= LARGEST_FLASH
    assert report["arena_bytes"] <= LARGEST_ARENA and report["gate"]["failures"] == []
    assert json.loads(file.with_suffix(".json").read_text()) == read_manifest(content)


def test_tflm_scores_a_thousand_real_beats_as_litert_does(file, beats):
    most, flipped = differences(file, score_tflm(file.read_bytes(), beats), beats)
    assert most <= 1 and flipped == 0


def test_tflite_runtime_scores_a_thousand_real_beats_as_litert_does(file, beats):
    python = os.environ.get("KERAS_SIBEAT_TFLITE_RUNTIME")
    if not python:
        pytest.skip("no tflite-runtime: set KERAS_SIBEAT_TFLITE_RUNTIME to a Python that has it")
    most, flipped = differences(file, score_with(python, file.read_bytes(), beats), beats)
    assert most <= 1 and flipped == 0


def test_xnnpack_differs_within_the_stated_bound(file, beats):
    most, flipped = differences(file, score_litert(file.read_bytes(), beats, "xnnpack"), beats)
    assert most <= 10 and flipped <= 0.005 * BEATS


def test_the_firmware_bundle_holds_the_shipped_model(file):
    if not (FIRMWARE / "sibeat_model.c").exists():
        pytest.skip("no firmware bundle ships")
    source = (FIRMWARE / "sibeat_model.c").read_text()
    digits = source[source.index("{") + 1 : source.rindex("}")]
    content = bytes(int(number, 0) for number in digits.replace("\n", " ").split(",") if number.strip())
    assert content == SHIPPED[0].read_bytes()
