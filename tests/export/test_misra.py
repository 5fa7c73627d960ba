"""What cppcheck finds in the firmware's C is listed and answered in the documentation."""

import re
import subprocess
from pathlib import Path

import pytest
from c_monitor import GENERATED
from compilers import STATIC, need

ANSWERS = Path(__file__).parents[2] / "docs" / "firmware-misra.md"


def answered():
    """The kinds of findings that the documentation lists; ``-10.3`` is of the rules named before it."""
    for row in re.findall(r"^\| (`.*?) \|", ANSWERS.read_text(encoding="utf-8"), re.MULTILINE):
        for name in re.findall(r"`([\w.-]+)`", row):
            yield f"misra-c2012{name}" if name.startswith("-") else name


@pytest.fixture(scope="module")
def findings():
    """Kinds of findings, and where each is."""
    command = [need("cppcheck"), "--quiet", "--std=c99", "--addon=misra", "--template={id} {file}:{line}"]
    includes = [f"-I{STATIC}", f"-I{GENERATED}", "--suppress=missingIncludeSystem"]
    done = subprocess.run([*command, *includes, *STATIC.glob("*.c")], capture_output=True, text=True)
    found = dict(re.findall(r"^([\w.-]+) (.*:\d+)$", done.stderr, re.MULTILINE))
    if not any(kind.startswith("misra") for kind in found):
        pytest.skip("no MISRA addon: cppcheck finds nothing of it here")
    return found


def test_nothing_is_found_that_is_not_answered(findings):
    assert {kind: where for kind, where in findings.items() if kind not in set(answered())} == {}


def test_a_null_pointer_is_found_where_it_is(tmp_path):
    """Else nothing would be looked for."""
    (tmp_path / "bad.c").write_text("int main(void) { int *none = 0; return *none; }\n")
    done = subprocess.run([need("cppcheck"), "--quiet", tmp_path / "bad.c"], capture_output=True, text=True)
    assert "nullPointer" in done.stderr
