"""docs/where-in-the-beat.md: its code runs, and its maps point where it says."""

import pages

PAGE = "where-in-the-beat.md"


def test_the_pages_code_runs(capsys):
    names = pages.run_blocks(PAGE)
    count = len(names["chosen"])
    assert count >= 3 and all(names[name].shape == (count, 320) for name in ("drawn", "asked", "traced"))
    # A ventricular beat differs in its QRS and the T wave behind it, between 100 ms before R and the end.
    assert (abs(names["drawn"].argmax(axis=1) - 180) < 80).all()
    told = capsys.readouterr().out
    assert "occlusion [" in told and " s\n" in told


def test_the_pages_commands_parse():
    from keras_sibeat.results.commands import parse_command, split_commands

    (block,) = (block for block in pages.all_blocks(PAGE) if block.language == "sh")
    lines = block.text.replace("\\\n", " ").strip().splitlines()
    for line in lines:
        (words,) = split_commands(line)
        assert parse_command(words, pages.DOCS.parent).runs
