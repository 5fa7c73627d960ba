"""The models that ship with the package, by their names."""

import difflib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "presets"
WEARER = "mitdb-wearer"  # the default: judges a beat beside its wearer's own
ALONE = "mitdb-beat"  # judges a beat alone, so that a recording may be as short as a beat


def preset_names() -> list[str]:
    """The names of the presets.

    >>> preset_names()
    ['mitdb-beat', 'mitdb-wearer']
    """
    return sorted(file.stem for file in FOLDER.glob("*.tflite"))


def model_path(source: str | Path) -> Path:
    """The file of a model.

    A text that is a preset's name means the preset, wherever the program runs and whatever files lie there. A
    file of that name is taken as a ``Path``, or as a text with a folder before it, as ``./mitdb-beat``.

    Args:
        source: the name of a preset, or the path of a file.

    >>> model_path("mitdb-beat").name, model_path("./mitdb-beat").name
    ('mitdb-beat.tflite', 'mitdb-beat')
    """
    is_name = isinstance(source, str) and source in preset_names()
    return FOLDER / f"{source}.tflite" if is_name else Path(source)


def choices(name: str) -> str:
    """The presets as a sentence on an unknown ``name`` lists them.

    >>> choices("mitdb-beet")
    'a preset: mitdb-beat, mitdb-wearer (did you mean mitdb-beat?)'
    """
    names = preset_names()
    near = difflib.get_close_matches(name, names, 1)
    return f"a preset: {', '.join(names) or 'none ships'}" + (f" (did you mean {near[0]}?)" if near else "")
