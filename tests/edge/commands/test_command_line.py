"""The command line as a whole: its commands, its version, its help."""

import re
import subprocess
import sys

import pytest

import sibeat_edge
from sibeat_edge.__main__ import main


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_the_commands_are_listed_with_a_line_each(arguments, capsys):
    try:
        main(arguments)
    except SystemExit as ended:
        assert ended.code == 0
    out, err = capsys.readouterr()
    assert err == "" and re.search(r"^ +score +\w.+$", out, re.MULTILINE)


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"sibeat_edge {sibeat_edge.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["score", "--help"]])
def test_help_imports_nothing_that_takes_time(arguments):
    code = (
        "import sys\nfrom sibeat_edge.__main__ import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print([n for n in ('numpy', 'scipy', 'matplotlib', 'wfdb', 'rich', 'pyedflib') if n in sys.modules])"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
