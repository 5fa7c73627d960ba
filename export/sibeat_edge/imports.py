"""Names of a package that are imported when first used, and modules that are found under their old names."""

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Any


def names_when_used(
    package: str, homes: Mapping[str, str], modules: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` for a package whose public names are imported when first used.

    Args:
        package: its ``__name__``.
        homes: mapping of a public name to the module that defines it.
        modules: mapping of a public name to the module that it stands for, as ``views`` for
            ``package.layers.views``.
    """
    modules = modules or {}

    def __getattr__(name: str) -> Any:
        if name in modules:
            found = importlib.import_module(modules[name])
        elif name in homes:
            found = getattr(importlib.import_module(homes[name]), name)
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, found)
        return found

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes, *modules})

    return __getattr__, __dir__


class Moved(importlib.abc.MetaPathFinder):
    """Finds modules under their former names, once it is in ``sys.meta_path``.

    ``import OLD`` gives the new module itself. ``python -m OLD`` prints the new name and runs that module,
    for one release.

    Args:
        modules: mapping of former to present names of modules that are imported.
        commands: mapping of former to present names of modules that are run.

    >>> sys.meta_path.append(Moved({"old_windows": "sibeat_edge.beats.windows"}))
    >>> import old_windows
    >>> old_windows is sys.modules["sibeat_edge.beats.windows"]
    True
    >>> _ = sys.meta_path.pop()
    """

    def __init__(self, modules: Mapping[str, str], commands: Mapping[str, str] | None = None) -> None:
        self._modules, self._commands = modules, commands or {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the module that ``name`` was the former name of, or None."""
        if name in self._modules:
            return importlib.util.spec_from_loader(name, _Alias(self._modules[name]))
        if name in self._commands:
            found = importlib.util.find_spec(self._commands[name])
            if found is not None and found.origin is not None:
                loader = _OldCommand(name, self._commands[name], found.origin)
                return importlib.util.spec_from_file_location(name, found.origin, loader=loader)
        return None


class _Alias(importlib.abc.Loader):
    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # importing under another name has replaced it


class _OldCommand(SourceFileLoader):
    def __init__(self, old: str, new: str, path: str) -> None:
        super().__init__(old, path)
        self._old, self._new = old, new

    def get_code(self, fullname: str) -> Any:
        print(f"python -m {self._old} is now python -m {self._new}.", file=sys.stderr)
        return super().get_code(fullname)


class AfterImport(importlib.abc.MetaPathFinder):
    """Calls ``action`` once, as soon as the module ``name`` has been imported.

    >>> AfterImport("sys", lambda: print("sys is there")).install()
    sys is there
    """

    def __init__(self, name: str, action: Callable[[], None]) -> None:
        self._name, self._action = name, action

    def install(self) -> None:
        """Call ``action`` now, if the module has been imported, or wait for it."""
        if self._name in sys.modules:
            self._action()
        else:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec, with a loader that calls ``action`` at its end; None for other modules."""
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                self._action()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
