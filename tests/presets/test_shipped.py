"""The int8 presets that ship in sibeat_edge, and the firmware bundle, on real beats and in all runtimes."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from ai_edge_litert.interpreter import Interpreter
from compiled_net import build, by_c

from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.sources import load_folds
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.c_net import net_sources
from keras_sibeat.export.embedding import embed_manifest, for_flash
from keras_sibeat.export.firmware import write_firmware
from keras_sibeat.export.net import read_net
from keras_sibeat.export.runtimes import quantise_beats, score_litert, score_tflm, score_with
from keras_sibeat.export.sources import golden_beats
from keras_sibeat.export.tflm import measure_arena
from keras_sibeat.models.inference import score_parts
from keras_sibeat.models.signature import without_names
from keras_sibeat.models.tensors import read_tensors
from keras_sibeat.presets.loading import describe_preset, list_presets, load_preset
from keras_sibeat.presets.making import preset_config
from keras_sibeat.train.separation import rank_correlation, separation
from keras_sibeat.train.student import as_scorer
from sibeat_edge.model.container import find_manifest
from sibeat_edge.model.manifest import read_manifest, upgraded
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import threshold_at
from sibeat_edge.report.recording import PRESET, score_file

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "export" / "sibeat_edge" / "presets").glob("*.tflite"))
FIRMWARE = ROOT / "export" / "firmware"
LARGEST_FLASH, LARGEST_ARENA = 29 * 1024, 8 * 1024  # bytes, of every preset
BEATS = 1000
WEARERS = ("105", "200", "202", "213", "222", "233", "234")


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda file: file.stem)
def file(request):
    return request.param


@pytest.fixture(scope="module")
def tested(file, mitdb):
    """A thousand real beats of seven of DS2's wearers, spread over them."""
    config = preset_config(file.stem, mitdb)
    records = {"train_records": ("101", "106"), "test_records": WEARERS}
    protocol = config.protocol.model_copy(update={"name": "inter_patient", "folds": (0,), **records})
    data = config.data.model_copy(update={"sources": {}})
    test = load_folds(config.model_copy(update={"protocol": protocol, "data": data}))[0].test
    return test.take(np.linspace(0, len(test) - 1, BEATS).astype(int))


@pytest.fixture(scope="module")
def beats(file, tested):
    """The same as the model's int8 input."""
    model = Model(file)
    quantised = [model.quantise(*beat) for beat in zip(*tested.arrays, strict=True)]
    return [np.stack(part) for part in zip(*quantised, strict=True)]


@pytest.fixture(scope="module")
def in_c(file, tmp_path_factory):
    """The model as plain C, compiled."""
    content, folder = file.read_bytes(), tmp_path_factory.mktemp("net")
    tensors = read_tensors(content)
    inputs = [tensor.place for tensor in tensors.inputs_of(Model(content).shapes)]
    for name, source in net_sources(read_net(content, tensors.score.place), inputs).items():
        (folder / name).write_text(source)
    return build(folder, folder, "-O2")


def golden_and_drawn(file, count):
    """The golden beats as int8, and as many drawn numbers as beats."""
    content, draws = file.read_bytes(), np.random.default_rng(0)
    golden = golden_beats(preset_config(file.stem))
    drawn = [draws.integers(-128, 128, (count, *array.shape[1:])) for array in golden]
    beats = zip(quantise_beats(content, golden), drawn, strict=True)
    return [np.concatenate(parts).astype(np.int8) for parts in beats]


def both_scores(file, beats):
    """The scores of the int8 model, and of the float preset that it was made of."""
    model = Model(file)
    floats = score_parts(as_scorer(load_preset(file.stem)), beats.inputs)["score"]
    return np.array([model.score(*beat) for beat in zip(*beats.arrays, strict=True)]), floats


def differences(file, scores, beats):
    """Units of the last place between scores and those of LiteRT's builtin kernels, and decisions flipped."""
    content = file.read_bytes()
    manifest, reference = read_manifest(content), score_litert(content, beats).astype(int)
    limit = manifest["threshold"]["score"] / manifest["score"]["scale"] + manifest["score"]["zero_point"]
    return np.abs(scores.astype(int) - reference).max(), np.sum((scores > limit) != (reference > limit))


def test_it_is_small_and_its_manifest_lies_beside_it(file):
    content = file.read_bytes()
    report = json.loads(file.with_name(f"{file.stem}-report.json").read_text())
    assert len(for_flash(content)) == report["flash_bytes"] <= LARGEST_FLASH
    assert measure_arena(for_flash(content)) == report["arena_bytes"] <= LARGEST_ARENA
    assert upgraded(json.loads(file.with_suffix(".json").read_text())) == read_manifest(content)


def test_its_tensors_are_named_as_its_manifest_says(file):
    named = read_manifest(file.read_bytes())["tensors"]
    interpreter = Interpreter(str(file))
    assert interpreter.get_signature_list() == {"serving_default": named}
    assert [entry["name"] for entry in interpreter.get_input_details()] == named["inputs"]
    assert [entry["name"] for entry in interpreter.get_output_details()] == named["outputs"]


def test_with_names_and_without_it_gives_the_same_bits(file):
    """The file, and the model in flash, which has time along its height, too."""
    content, beats = file.read_bytes(), golden_and_drawn(file, 200)
    for score in (score_litert, score_tflm):
        scores = score(content, beats)
        assert len(np.unique(scores)) > 20
        np.testing.assert_array_equal(score(for_flash(content), beats), scores)


@pytest.mark.parametrize("name", ["bench-holter", "bench-quality-speed"])
def test_the_benchmarks_were_measured_with_the_wearers_preset(name):
    """With its file, or with that without names, which was the file before it had names."""
    result = json.loads((ROOT / "results" / f"{name}.json").read_text())
    content = PRESET.read_bytes()
    first, last = find_manifest(content)
    before, _ = embed_manifest(without_names(content), json.loads(content[first:last]))
    known = {hashlib.sha256(made).hexdigest() for made in (content, before)}
    assert result["models_sha256"][PRESET.name] in known


def test_int8_ranks_and_decides_real_beats_as_the_float_preset_does(file, tested):
    """Each at its own threshold. Half of the flips that this allows would lie within the gate's bound."""
    scores, floats = both_scores(file, tested)
    assert rank_correlation(scores, floats) > 0.99
    limit = describe_preset(file.stem)["metrics"]["threshold"]
    flipped = (scores > Model(file).manifest["threshold"]["score"]) != (floats > limit)
    assert flipped.mean() <= 0.01 and np.mean(floats > limit) > 0.05
    is_abnormal = tested.classes != "N"
    aucs = [separation(values, is_abnormal)["auc"] for values in (scores, floats)]
    assert aucs[0] == pytest.approx(aucs[1], abs=0.003)


def test_int8_scores_simulated_beats_nearly_as_the_float_preset_does(file):
    """Where no recordings are; half of the beats are flattened, so that there are high scores, too."""
    wearers = [simulate_wearer(seed=seed, seconds=120) for seed in range(3)]
    wanted = Preprocessing.of(preset_config(file.stem))
    beats = BeatSet.join([extract_beats(wearer, wanted) for wearer in wearers], "")
    windows = beats.windows.copy()
    windows[::2, :, 0] *= np.linspace(1.0, 0.2, windows.shape[1], dtype="float32")
    scores, floats = both_scores(file, replace(beats, windows=windows))
    assert len(beats) > 200 and np.ptp(floats) > 2
    assert rank_correlation(scores, floats) > 0.98
    assert np.median(np.abs(scores - floats)) < 2 * Model(file).manifest["score"]["scale"]


def test_other_false_alarms_have_other_thresholds_and_the_stated_ones_the_stated(file):
    manifest = read_manifest(file.read_bytes())
    stated, level = manifest["threshold"], manifest["score"]["scale"]
    score, usual = threshold_at(manifest, stated["false_alarms_per_hour"])
    assert abs(score - stated["score"]) < 1e-3 * level and abs(usual - stated["usual"]) < 1e-3
    limits = [threshold_at(manifest, per_hour)[0] for per_hour in (5, 20, 100, 400)]
    assert sorted(limits, reverse=True) == limits and len(set(limits)) == 4


def test_tflm_scores_a_thousand_real_beats_as_litert_does(file, beats):
    most, flipped = differences(file, score_tflm(file.read_bytes(), beats), beats)
    assert most <= 1 and flipped == 0


def test_plain_c_scores_golden_and_drawn_beats_as_litert_and_tflm_do(file, in_c):
    """To the bit, as a device decides by what plain C says."""
    content, beats = file.read_bytes(), golden_and_drawn(file, 2000)
    scores = by_c(in_c, beats)
    assert len(np.unique(scores)) > 100
    np.testing.assert_array_equal(scores, score_litert(content, beats))
    np.testing.assert_array_equal(scores, score_tflm(content, beats))


def test_plain_c_scores_a_thousand_real_beats_as_litert_and_tflm_do(file, in_c, beats):
    content, scores = file.read_bytes(), by_c(in_c, beats)
    np.testing.assert_array_equal(scores, score_litert(content, beats))
    np.testing.assert_array_equal(scores, score_tflm(content, beats))


def test_tflite_runtime_scores_a_thousand_real_beats_as_litert_does(file, beats):
    python = os.environ.get("KERAS_SIBEAT_TFLITE_RUNTIME")
    if not python:
        pytest.skip("no tflite-runtime: set KERAS_SIBEAT_TFLITE_RUNTIME to a Python that has it")
    most, flipped = differences(file, score_with(python, file.read_bytes(), beats), beats)
    assert most <= 1 and flipped == 0


def test_xnnpack_differs_within_the_stated_bound(file, beats):
    most, flipped = differences(file, score_litert(file.read_bytes(), beats, "xnnpack"), beats)
    assert most <= 10 and flipped <= 0.005 * BEATS


def test_both_presets_ship():
    assert [file.stem for file in SHIPPED] == ["mitdb-beat", "mitdb-wearer"] == list_presets()


def test_the_firmware_bundle_is_that_of_the_default_preset(tmp_path):
    """Byte for byte what an export generates: model, configuration, golden beats."""
    content = PRESET.read_bytes()
    golden = golden_beats(preset_config(PRESET.stem))
    write_firmware(tmp_path / "firmware", content, read_manifest(content), golden, generated_only=True)
    made, ships = (
        {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        for folder in (tmp_path / "firmware", FIRMWARE)
    )
    assert made == ships


def test_without_a_model_a_recording_is_scored_by_the_wearers_preset(mitdb):
    scored = score_file(str(mitdb / "119"))
    assert scored.manifest["name"] == PRESET.stem == "mitdb-wearer"
    assert len(scored.templates) >= 1 and all(
        beat.why in ("shape", "timing", "both") for beat in scored.alarms
    )
    marks = wfdb.rdann(str(mitdb / "119"), "atr")
    ventricular = marks.sample[np.array(marks.symbol) == "V"] / 360
    alarms = np.array([beat.time for beat in scored.alarms])
    found = np.array([np.abs(alarms - time).min() < 0.15 for time in ventricular if time > 60])
    assert len(found) > 300 and found.mean() > 0.99


@pytest.mark.parametrize("name", ["202", "210", "219", "222"])
def test_fibrillating_atria_do_not_make_every_beat_an_alarm(name, mitdb):
    """Of DS2's wearers with long atrial fibrillation, whom the preset has not met."""
    scored = score_file(str(mitdb / name))
    marks = wfdb.rdann(str(mitdb / name), "atr")
    normal = marks.sample[np.array(marks.symbol) == "N"] / 360
    times = np.array([beat.time for beat in scored.beats if beat.score is not None])
    alarms = np.array([beat.alarm for beat in scored.beats if beat.score is not None])
    nearest = np.abs(times[:, None] - normal[None]).min(axis=1) < 0.15
    assert nearest.sum() > 1000 and alarms[nearest].mean() < 0.3
