"""What a package's face needs of Python's import system: names made when used, modules that have moved."""

import importlib
import importlib.abc
import importlib.util
import sys


def names_when_used(package, homes, modules=None):
    """``__getattr__`` and ``__dir__`` of a package whose public names are imported when first used.

    Args:
        package: its ``__name__``.
        homes: mapping of a public name to the module that defines it.
        modules: mapping of a public name to the module that it is, as ``views`` is ``package.layers.views``.
    """
    modules = modules or {}

    def __getattr__(name):
        if name in modules:
            found = importlib.import_module(modules[name])
        elif name in homes:
            found = getattr(importlib.import_module(homes[name]), name)
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, found)
        return found

    def __dir__():
        return sorted({*vars(sys.modules[package]), *homes, *modules})

    return __getattr__, __dir__


class Moved(importlib.abc.MetaPathFinder):
    """Finds modules under their former names.

    ``import OLD`` gives the new module itself. ``python -m OLD``, for one release, runs the new one and says
    its name.

    Args:
        modules: mapping of former to present names, to be imported.
        commands: the same, to be run.
    """

    def __init__(self, modules, commands=None):
        self._modules, self._commands = modules, commands or {}

    def find_spec(self, name, path=None, target=None):
        if name in self._modules:
            return importlib.util.spec_from_loader(name, _Alias(self._modules[name]))
        if name in self._commands:
            found = importlib.util.find_spec(self._commands[name])
            loader = _OldCommand(name, self._commands[name], found.origin)
            return importlib.util.spec_from_file_location(name, found.origin, loader=loader)
        return None


class _Alias(importlib.abc.Loader):
    def __init__(self, name):
        self._name = name

    def create_module(self, spec):
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = self._spec  # importing under another name has replaced it


class _OldCommand(importlib.machinery.SourceFileLoader):
    def __init__(self, old, new, path):
        super().__init__(old, path)
        self._old, self._new = old, new

    def get_code(self, fullname):
        print(f"python -m {self._old} is now python -m {self._new}.", file=sys.stderr)
        return super().get_code(fullname)


class AfterImport(importlib.abc.MetaPathFinder):
    """Calls ``action`` once, when the module ``name`` has been imported, or now if it has been."""

    def __init__(self, name, action):
        self._name, self._action = name, action

    def install(self):
        if self._name in sys.modules:
            self._action()
        else:
            sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                self._action()

            spec.loader.exec_module = exec_module
        return spec
