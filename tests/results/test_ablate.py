"""Variants of one configuration, trained and reported beside each other."""

import json

import pytest

from keras_sibeat.config.variants import read_variants
from keras_sibeat.data.mitbih import DS1, DS2
from keras_sibeat.errors import ConfigError
from keras_sibeat.results import ablate
from keras_sibeat.results.variants import ABLATION, SIBEATGAN

FILE = """
[base]
data = { wearers = 4, seconds = 60 }
model = { width = 2, depth = 2, latent = 4 }
train = { epochs = 1, batch_size = 16, jit_compile = false }
score = { prototypes = 16, combine = ["prototypes"] }

[variants.beatgan]

[variants.nt-xent]
train = { batch_size = 32 }
contrastive = { shift_weight = 0.0, views = { gain = {} } }
"""


@pytest.fixture
def toml(tmp_path):
    def write(text):
        file = tmp_path / "parts.toml"
        file.write_text(text)
        return file

    return write


def test_a_variant_is_the_base_with_its_own_settings_merged_into_it(toml):
    variants = read_variants(toml(FILE))
    assert list(variants) == ["beatgan", "nt-xent"]
    assert variants["beatgan"].contrastive is None
    changed = variants["nt-xent"]
    assert changed.name == "parts-nt-xent" and changed.contrastive.shift_weight == 0
    assert (changed.train.batch_size, changed.train.epochs) == (32, 1)
    assert variants["beatgan"].train.batch_size == 16


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[base]\n", "found no variants"),
        ("variants = 3\n", "found no variants"),
        (FILE + "[more]\n", "found the unknown key more"),
        (FILE + "[variants.bad]\nnonsense = 1\n", "parts.toml: bad: found the unknown key nonsense"),
        (FILE + '[variants.bad.contrastive]\nshifts = ["none"]\n', "found 'none' among the shifts"),
    ],
)
def test_a_file_that_does_not_hold_is_refused(toml, text, message):
    with pytest.raises(ConfigError, match=message):
        read_variants(toml(text))


def test_an_unknown_variant_ends_the_command(toml, capsys):
    with pytest.raises(SystemExit) as end:
        ablate.main([str(toml(FILE)), "--only", "other"])
    assert end.value.code == 2 and "--only: found other" in capsys.readouterr().err


def test_every_variant_is_trained_and_reported(toml, tmp_path):
    ablate.main([str(toml(FILE)), "--runs", str(tmp_path / "runs"), "--report", str(tmp_path / "results")])
    for name in ("beatgan", "nt-xent"):
        assert (tmp_path / "runs" / name / "fold0-seed0" / "metrics.json").exists()
        result = json.loads((tmp_path / "results" / f"parts-{name}.json").read_text())
        assert result["metrics"]["auc"]["values"] and "keras_sibeat.results.ablate" in result["command"]
    assert "prototypes_auc" in result["metrics"]


def test_the_committed_ablation_has_a_title_for_every_variant():
    assert list(read_variants("configs/ablation.toml", "data")) == list(ABLATION)
    assert list(read_variants("configs/sibeatgan.toml", "data")) == list(SIBEATGAN)


def test_the_committed_unlabelled_records_are_nobody_elses():
    variants = read_variants("configs/unlabelled.toml", "data")
    config = variants["student-unlabelled"]
    parts = [config.protocol.train_records, config.student.unlabelled, config.protocol.test_records]
    assert sorted(parts[0] + parts[1]) == sorted(DS1) and sorted(parts[2]) == sorted(DS2)
    assert not variants["student"].student.unlabelled and variants["teacher"].student is None


def test_the_committed_frontier_is_named_by_the_students_size():
    for name, config in read_variants("configs/frontier.toml", "data").items():
        assert name == f"w{config.student.width}-d{config.student.depth}"
