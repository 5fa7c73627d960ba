"""Layouts of text files: what is a row, a heading, a separator and a decimal mark."""

import pytest

from sibeat_edge.reading.layout import find_layout, open_text
from sibeat_edge.reading.text.line import Layout, is_row


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
        ("t;x\ns;g\n0;1\n", Layout(";", ".", ("t", "x"), 2, 2, ("s", "g"))),  # units below the headings
        ("Rate;100\n\nx;y\n1;2", Layout(";", ".", ("x", "y"), 3, 2)),
        ("Device;X\n\nx;y\n1;2", Layout(";", ".", ("x", "y"), 3, 2)),
        ("x;y\n# a comment\n1;2", Layout(";", ".", ("x", "y"), 2, 2)),
        ("x,y\nnan,2\n1,2", Layout(",", ".", ("x", "y"), 1, 2)),
        ("0.5,x\n0.3,0.4", Layout(",", width=2)),  # a spoilt row, no headings
        ("1,5;2\n1.000;2", Layout(";", ",", width=2)),
        ("x,y,state\n1,2,OK\n3,4,OK\n3,4,0", Layout(",", ".", ("x", "y", "state"), 1, 3)),
        (",0\n0,-0.1\n1,0.2", Layout(",", ".", ("", "0"), 1, 2)),  # as pandas writes it
        ("0\n-0.1\n0.2", Layout(",", ".", ("0",), 1)),
        ("1\n-0.1\n0.2", Layout(",", ".", ("1",), 1)),
        ("1,2\n0.0,1.5\n0.0,1.25", Layout(",", ".", ("1", "2"), 1, 2)),
        ("0,1\n0.0,1.5\n0.0,1.25", Layout(",", ".", ("0", "1"), 1, 2)),
        ("0,1\n1,2\n2,3", Layout(",", width=2)),  # as likely samples
        ("-0,0010\n0,5\n0,123", Layout(";", ",")),
        ("MLII\n-0,0010\n0,05", Layout(";", ",", ("MLII",), 1)),
        ("MLII (mV)\n1,05\n2,5", Layout(";", ",", ("MLII (mV)",), 1)),
        ("MLII\n1,2\n3,4", Layout(",", ".", ("MLII",), 1)),  # whose rows have a cell too many
        ("# time ecg\n0.1 2\n0.2 3", Layout(None, ".", ("time", "ecg"), 1, 2)),  # as NumPy writes it
        ("# a comment\n0.1 2\n0.2 3", Layout(None, width=2, first=1)),
        ("sep=;\ntime;x\n0;1", Layout(";", ".", ("time", "x"), 2, 2)),
        ('"sep=\t"\ntime\tx\n0\t1', Layout("\t", ".", ("time", "x"), 2, 2)),
        ("a|b\n1|2", Layout("|", ".", ("a", "b"), 1, 2)),
        ("Name,Erika\n1,2\n3,4", Layout(",", width=2, first=1)),  # no headings, but a person
        ("Unit,mV\n\n1,2\n3,4", Layout(",", width=2, first=2)),
        ("S\tS\nTime\tECG\nCAL\tCAL\nms\tmV\n1\t2", Layout("\t", ".", ("Time", "ECG"), 4, 2, ("ms", "mV"))),
        (
            "'Elapsed time','II'\n'hh:mm:ss.mmm','mV'\n'0:00.000',1\n",
            Layout(",", ".", ("Elapsed time", "II"), 2, 2, ("hh:mm:ss.mmm", "mV")),
        ),
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


def test_a_quoted_cell_longer_than_any_is_no_number():
    line = 'x"' + "y" * 200_000 + '"'
    assert len(Layout(",").cells(line)) == 1 and find_layout([line]) is None
