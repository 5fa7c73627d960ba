"""Layouts of text files: what is a row, a heading, a separator and a decimal mark."""

import pytest

from sibeat_edge.reading.layout import Layout, find_layout, is_row, open_text


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("1,2\n3,4", Layout(",", width=2)),
        ("1\n2", Layout(",")),
        ("1 2\n3 4", Layout(None, width=2)),
        ("1 ,\t2\n3 ,\t4", Layout(",", width=2)),
        ("x\ty\n1,5\t2", Layout("\t", ",", ("x", "y"), 1, 2)),
        ("1,5 2,5", Layout(None, ",", width=2)),
        ('"1,5","2,5"\n"1","3,5"', Layout(",", ",", width=2)),
        ("1;2\n" * 200 + "1;2,5", Layout(";", ",", width=2)),  # the first comma comes late
        ("12:00:00,500;1.5\n", Layout(";", ".", width=2)),  # a comma, but of the time
        ("MLII (uV)\n100", Layout(",", ".", ("MLII (uV)",), 1)),
        (",x,y\n0,1,2", Layout(",", ".", ("", "x", "y"), 1, 3)),
        ("x,y,\n1,2,", Layout(",", ".", ("x", "y"), 1, 2)),
        ("x,y,z\n1,2,\n", Layout(",", ".", ("x", "y", "z"), 1, 3)),
        ("1,2,\n3,4,", Layout(",", width=2)),
        ("1,\n3,4\n5,6", Layout(",", width=2)),
        ("time,1,2\n0.1,2,3", Layout(",", ".", ("time", "1", "2"), 1, 3)),
        ("t;x\ns;g\n0;1\n", Layout(";", ".", ("t", "x"), 2, 2)),  # units below the headings
        ("Rate;100\n\nx;y\n1;2", Layout(";", ".", ("x", "y"), 3, 2)),
        ("Device;X\n\nx;y\n1;2", Layout(";", ".", ("x", "y"), 3, 2)),
        ("x;y\n# a comment\n1;2", Layout(";", ".", ("x", "y"), 2, 2)),
        ("x,y\nnan,2\n1,2", Layout(",", ".", ("x", "y"), 1, 2)),
        ("0.5,x\n0.3,0.4", Layout(",", width=2)),  # a spoilt row, no headings
        ("1,5;2\n1.000;2", Layout(";", ",", width=2)),
        ("x,y,state\n1,2,OK\n3,4,OK\n3,4,0", Layout(",", ".", ("x", "y", "state"), 1, 3)),
        ("x,y\nz,w\n", None),
        ("", None),
    ],
)
def test_the_layout_of_a_file(text, layout):
    assert find_layout(text.splitlines(keepends=True)) == layout


@pytest.mark.parametrize("line", ["", "  \n", ";;;\n", ", ,\r\n", "# 1,2", "  % 3", "// x"])
def test_what_is_no_row(line):
    assert not is_row(line) and is_row("1;2\n") and is_row(";2\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_the_encoding_is_told_by_a_byte_order_mark(tmp_path, encoding):
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    (tmp_path / "a").write_bytes((mark + "°x,y\r1,2\r\n3,4").encode(encoding))
    with open_text(tmp_path / "a") as file:
        assert file.readlines() == ["°x,y\n", "1,2\n", "3,4"]
