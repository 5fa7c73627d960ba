"""Names that are imported when used, modules under their former names, and actions after an import."""

import copy
import importlib
import pickle
import subprocess
import sys

import pytest

import sibeat_edge
from sibeat_edge.imports import AfterImport, Moved, names_when_used


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package ``lazy_house`` whose module prints when it is imported, or run."""
    folder = tmp_path / "lazy_house"
    (folder / "rooms").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "import sys\n"
        "from sibeat_edge.imports import Moved, names_when_used\n"
        "__getattr__, __dir__ = names_when_used(\n"
        "    __name__, {'Lamp': 'lazy_house.rooms.hall'}, {'hall': 'lazy_house.rooms.hall'})\n"
        "sys.meta_path.append(Moved(\n"
        "    {'lazy_house.old_hall': 'lazy_house.rooms.hall'},\n"
        "    {'lazy_house.old_command': 'lazy_house.rooms.hall'}))\n"
    )
    (folder / "rooms" / "__init__.py").write_text("")
    (folder / "rooms" / "hall.py").write_text(
        "print('hall:', __name__)\n"
        "class Lamp: pass\n"
        "if __name__ == '__main__':\n"
        "    import sys\n"
        "    print('run with', sys.argv[1:])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    importlib.invalidate_caches()
    yield importlib.import_module("lazy_house")
    for name in [name for name in sys.modules if name.split(".")[0] == "lazy_house"]:
        del sys.modules[name]


def test_a_name_is_imported_when_it_is_used(package, capsys):
    assert "lazy_house.rooms.hall" not in sys.modules and capsys.readouterr().out == ""
    lamp = package.Lamp
    assert capsys.readouterr().out == "hall: lazy_house.rooms.hall\n"
    assert lamp is sys.modules["lazy_house.rooms.hall"].Lamp
    assert vars(package)["Lamp"] is lamp and package.Lamp is lamp


def test_a_name_can_stand_for_a_module(package):
    assert package.hall is importlib.import_module("lazy_house.rooms.hall")


def test_from_package_import_name_works(package):
    namespace = {}
    exec("from lazy_house import Lamp, hall", namespace)
    assert namespace["hall"].Lamp is namespace["Lamp"]


def test_dir_lists_what_has_not_been_used_yet(package, capsys):
    assert {"Lamp", "hall", "__name__"} <= set(dir(package)) and dir(package) == sorted(set(dir(package)))
    assert capsys.readouterr().out == ""


def test_a_missing_attribute_is_told_with_its_package(package):
    with pytest.raises(AttributeError, match=r"module 'lazy_house' has no attribute 'Lantern'"):
        package.Lantern  # noqa: B018
    assert not hasattr(package, "Lantern")
    with pytest.raises(ImportError, match="cannot import name 'Lantern'"):
        exec("from lazy_house import Lantern")


def test_what_a_lazy_name_gives_can_be_pickled_and_copied(package):
    lamp = pickle.loads(pickle.dumps(package.Lamp()))
    assert type(lamp) is package.Lamp and type(copy.deepcopy(lamp)) is package.Lamp
    assert pickle.loads(pickle.dumps(package.Lamp)) is package.Lamp


@pytest.mark.parametrize("first", ["lazy_house.old_hall", "lazy_house.rooms.hall"])
def test_a_former_name_is_the_very_same_module(package, first, capsys):
    importlib.import_module(first)
    old, new = (importlib.import_module(f"lazy_house.{name}") for name in ("old_hall", "rooms.hall"))
    assert old is new and package.old_hall is new
    assert (new.__name__, new.__spec__.name) == ("lazy_house.rooms.hall", "lazy_house.rooms.hall")
    assert capsys.readouterr().out.count("hall:") == 1


def test_a_module_with_a_former_name_can_be_reloaded(package, capsys):
    old = importlib.import_module("lazy_house.old_hall")
    before = old.Lamp
    assert importlib.reload(old) is old and old.Lamp is not before
    assert capsys.readouterr().out == "hall: lazy_house.rooms.hall\n" * 2
    assert sys.modules["lazy_house.old_hall"] is sys.modules["lazy_house.rooms.hall"] is old


def test_the_package_can_be_reloaded(package):
    lamp = package.Lamp
    assert importlib.reload(package).Lamp is lamp


def test_a_name_that_never_was_is_not_found(package):
    with pytest.raises(ModuleNotFoundError, match="lazy_house.older_hall"):
        importlib.import_module("lazy_house.older_hall")
    assert Moved({"a": "b"}).find_spec("c") is None


def test_a_former_command_says_its_new_name_and_runs(package):
    folder = package.__path__[0].removesuffix("lazy_house")
    command = [sys.executable, "-m", "lazy_house.old_command", "--lit"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout == "hall: __main__\nrun with ['--lit']\n"
    assert done.stderr == "python -m lazy_house.old_command is now python -m lazy_house.rooms.hall.\n"


def test_an_action_waits_for_the_import(package, capsys):
    AfterImport("lazy_house.rooms.hall", lambda: print("after")).install()
    watched = len(sys.meta_path)
    assert capsys.readouterr().out == ""
    importlib.import_module("lazy_house.rooms")
    assert capsys.readouterr().out == ""
    hall = importlib.import_module("lazy_house.rooms.hall")
    assert capsys.readouterr().out == "hall: lazy_house.rooms.hall\nafter\n"
    assert len(sys.meta_path) == watched - 1
    importlib.reload(hall)
    assert capsys.readouterr().out == "hall: lazy_house.rooms.hall\n"


def test_an_action_happens_at_once_after_the_import(package, capsys):
    importlib.import_module("lazy_house.rooms.hall")
    watched = len(sys.meta_path)
    AfterImport("lazy_house.rooms.hall", lambda: print("after")).install()
    assert capsys.readouterr().out.endswith("after\n") and len(sys.meta_path) == watched


def test_a_module_that_is_absent_makes_no_action(package, capsys):
    AfterImport("lazy_house.cellar", lambda: print("after")).install()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("lazy_house.cellar")
    assert capsys.readouterr().out == ""


def test_every_public_name_of_the_package_is_there():
    for name in sibeat_edge.__all__:
        assert getattr(sibeat_edge, name).__name__ == name and name in dir(sibeat_edge)


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ("recording", "report.recording"),
        ("rpeaks", "signal.rpeaks"),
        ("runtime", "model.runtime"),
        ("wearer", "beats.wearer"),
        ("windows", "beats.windows"),
    ],
)
def test_the_former_modules_of_the_package_are_found(former, present):
    old, new = (importlib.import_module(f"sibeat_edge.{name}") for name in (former, present))
    assert old is new


def test_names_without_modules_need_no_mapping():
    get, listed = names_when_used("sys", {"dumps": "json"})
    assert get("dumps") is importlib.import_module("json").dumps and "dumps" in listed()
    del sys.dumps
