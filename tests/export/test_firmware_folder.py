"""The bundle's folder: whole or not at all, an earlier bundle replaced, other files left alone."""

import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
from bundles import ARENA, contents, macro, write_bundle
from int8_students import curves, int8_student

import keras_sibeat
import sibeat_edge
from keras_sibeat.errors import ExportError
from keras_sibeat.export.firmware import STATIC, write_firmware


def test_the_same_arguments_give_the_same_bytes(single, tmp_path):
    again, _ = write_bundle(tmp_path / "again")
    assert contents(again) == contents(single.folder)


def test_a_bundle_replaces_an_earlier_one_and_what_was_built_of_it(tmp_path):
    folder, old = write_bundle(tmp_path / "firmware", leads=2, rebuilds=True)
    (folder / "build").mkdir()
    _, new = write_bundle(folder)
    assert old != new and macro(folder, "LEADS") == "1" and not (folder / "build").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["firmware"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_plain_model_s_bundle_replaces_a_wearer_s(beside, tmp_path):
    folder = tmp_path / "firmware"
    shutil.copytree(beside.folder, folder)
    assert (folder / "sibeat_wearer.c").exists()
    write_bundle(folder)
    assert not (folder / "sibeat_wearer.c").exists()


def test_a_whole_bundle_is_the_generated_files_and_those_that_never_change(beside, tmp_path):
    generated, _ = write_bundle(tmp_path / "generated", leads=2, wearer=True, generated_only=True)
    whole, apart, static = contents(beside.folder), contents(generated), contents(STATIC)
    assert whole.keys() == apart.keys() | static.keys() and not apart.keys() & static.keys()
    assert {name: whole[name] for name in static} == static
    assert {name for name in apart if apart[name] != whole[name]} == {"README.md"}


def test_generated_files_replace_a_whole_bundle(tmp_path):
    folder, _ = write_bundle(tmp_path / "firmware")
    assert (folder / "Makefile").exists()
    write_bundle(folder, generated_only=True)
    assert not (folder / "Makefile").exists() and (folder / "sibeat_model.c").exists()


def test_a_full_disk_leaves_the_earlier_bundle(tmp_path, monkeypatch):
    folder, _ = write_bundle(tmp_path / "firmware")
    before, write = contents(folder), Path.write_bytes

    def fails(path, data):
        if path.name == "sibeat_model.c":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(OSError, match="No space left"):
        write_bundle(folder, leads=2, rebuilds=True)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["firmware"]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "main.c").write_text("int main;")
    with pytest.raises(ExportError, match=r"found main.c, expected an empty folder or an earlier bundle"):
        write_bundle(tmp_path)
    assert contents(tmp_path) == {"main.c": b"int main;"}
    with pytest.raises(ExportError, match="found a file, expected a folder"):
        write_bundle(tmp_path / "main.c")


@pytest.mark.parametrize(
    "windows",
    [
        curves(15),
        curves(16)[:, :300],
        curves(16, 2),
        curves(16).astype(float),
        1.5 * curves(16),
        np.full_like(curves(16), np.nan),
    ],
)
def test_golden_beats_must_be_16_normalised_windows(tmp_path, windows):
    content, manifest = int8_student()
    with pytest.raises(ValueError, match=r"found golden beats .*; expected \[\(16, 320, 1\)\] of float32"):
        write_firmware(tmp_path / "firmware", content, manifest, [windows], ARENA)
    assert not (tmp_path / "firmware").exists()


def test_the_manifest_must_be_the_model_s(tmp_path):
    content, manifest = int8_student()
    with pytest.raises(ValueError, match="found a manifest other than the model's own"):
        write_firmware(tmp_path / "firmware", content, {**manifest, "name": "other"}, [curves(16)], ARENA)


def test_the_files_that_never_change_ship_with_both_packages():
    root = Path(keras_sibeat.__file__).parents[1]
    packages = {
        root / "setup.cfg": "export/README.template.md",
        Path(sibeat_edge.__file__).parents[1] / "setup.cfg": "firmware/*",
    }
    for file, pattern in packages.items():
        data = file.read_text().partition("[options.package_data]")[2].partition("[")[0]
        assert pattern in data
