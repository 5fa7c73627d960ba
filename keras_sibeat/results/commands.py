"""The commands that a result names: whether they parse, and which result they would write."""

import argparse
import contextlib
import importlib
import io
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from keras_sibeat.config import read_config
from keras_sibeat.config.variants import read_variants
from keras_sibeat.data.detection import measured_name
from keras_sibeat.errors import SibeatError
from keras_sibeat.evaluate.baselines import BASELINES
from keras_sibeat.evaluate.summary import result_name

# Stands for the interpreter of the PyTorch peer's environment, whose path is the machine's own.
PEER_PYTHON = "TORCH_PYTHON"


class CommandError(ValueError):
    """A command that does not parse, or that no result comes from.

    >>> str(CommandError("rm results: found no python command."))
    'rm results: found no python command.'
    """


class _Parsed(BaseException):
    """Ends a command as soon as its line is parsed; no command's own handler catches it."""


def split_commands(text: str) -> list[list[str]]:
    """The arguments of each of several commands.

    >>> split_commands("python -m a --set 'seeds=[0]' && python b.py")
    [['python', '-m', 'a', '--set', 'seeds=[0]'], ['python', 'b.py']]
    """
    commands: list[list[str]] = [[]]
    for word in shlex.split(text):
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def parse_command(words: list[str], root: Path) -> argparse.Namespace:
    """What the named command makes of its arguments, without running it.

    Args:
        words: ``python -m MODULE …``, by the module's present or former name, or ``python SCRIPT …``.
        root: folder of the repository, which scripts are in.

    Raises ``CommandError`` where there is no such command, or it does not take these arguments.
    """
    told = shlex.join(words)
    places = [place for place, word in enumerate(words) if word.split(".")[0].isupper()]
    if places := [n for n in places if words[n] != PEER_PYTHON or words[n - 1] != "--torch-python"]:
        raise CommandError(f"{told}: found the placeholder {words[places[0]]}; expected a path.")
    if words[:1] != ["python"] or len(words) < 2:
        raise CommandError(f"{told}: found another command; expected python.")
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), _only_parsing():
            if words[1] == "-m" and len(words) > 2:
                _find_main(words[2])(words[3:])
            else:
                _run_script(root / words[1], words[2:])
    except _Parsed as parsed:
        return parsed.args[0]
    except SystemExit:
        raise CommandError(f"{told}: does not parse ({output.getvalue().splitlines()[-1]}).") from None
    except (ImportError, FileNotFoundError, AttributeError) as error:
        raise CommandError(f"{told}: found no such command ({error}).") from error
    raise CommandError(f"{told}: ran without parsing its arguments; expected a command.")


@contextlib.contextmanager
def _only_parsing() -> Iterator[None]:
    parse = argparse.ArgumentParser.parse_args

    def stop(self, args=None, namespace=None):
        raise _Parsed(parse(self, args, namespace))

    with mock.patch.object(argparse.ArgumentParser, "parse_args", stop):
        yield


def _find_main(name):
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{name}.__main__")
    return module.main


def _run_script(path, arguments):
    with (
        mock.patch.object(sys, "argv", [str(path), *arguments]),
        mock.patch.object(sys, "path", [str(path.parent), *sys.path]),
    ):
        runpy.run_path(str(path), run_name="__main__")


def names_written(text: str, root: Path) -> set[str]:
    """Names of the results that the last of several commands writes.

    Raises ``CommandError`` as ``parse_command`` does, and where a configuration is named that does not exist.
    """
    commands = split_commands(text)
    parsed = [(words, parse_command(words, root)) for words in commands]
    words, options = parsed[-1]
    try:
        if words[1] != "-m":
            return _named_in_script(root / words[1])
        verb = words[2].split(".")[-1]
        if verb == "ablate":
            variants = read_variants(root / options.config, Path("data"))
            return {variants[name].name for name in options.only or variants}
        if verb == "data" and getattr(options, "command", "rpeaks") == "rpeaks":
            return {measured_name(options.folder, options.sensitive)}
        return _names_of(verb, options, _config_of(parsed, root))
    except (SibeatError, KeyError) as error:
        raise CommandError(f"{shlex.join(words)}: {error}") from error


def _config_of(parsed, root):
    """The configuration that was trained before or, with baselines or a run alone, the one named by it."""
    for words, options in parsed:
        if words[1:3] == ["-m", "keras_sibeat.train"]:
            return read_config(root / options.config, options.set, "data")
    run = parsed[-1][1].run
    return read_config(root / (run if run.suffix == ".toml" else f"configs/{run.name}.toml"), (), "data")


def _names_of(verb, options, config):
    if verb == "evaluate" and options.baselines:
        return {result_name(config, baseline=name) for name in BASELINES}
    if verb == "evaluate":
        return {result_name(config, options.selection, exported=options.exported)}
    if verb == "probe":
        return {f"probe-{config.name}-{weights}" for weights in ("trained", "random")}
    if verb == "robustness":
        return {f"end-to-end-{config.name}"}
    if verb == "ec57" and config.protocol.name == "leave_out":
        return {"ec57-folds"}
    if verb == "ec57":
        sources = [name for name, source in config.data.sources.items() if source.tests]
        return {f"ec57-{name}" for name in ("ds2", *sources)}
    if verb == "explain":
        return {f"explain-{config.name}" if config.protocol.name == "series" else "explain"}
    if verb == "worn":
        return {f"alarms-{config.name}"}
    raise CommandError(f"{verb}: found a command that writes no result; expected one that does.")


def _named_in_script(path):
    """A benchmark's result is called after its file, unless the script names another."""
    text = path.read_text(encoding="utf-8")
    return {name for name in (f"bench-{path.stem.replace('_', '-')}", "peer-torch") if f'"{name}"' in text}
