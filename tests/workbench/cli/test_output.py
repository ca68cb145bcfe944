"""What is printed: readable at any width and in any encoding, and never a command to a terminal."""

import io
import os
import re
import subprocess
import sys

import pytest

from data.errors import UserError
from tests import ROOT
from workbench.cli.errors import exit_code
from workbench.cli.output import comparisons, tables
from workbench.cli.output.grading import scores
from workbench.formatting import visible

COMMAND = [sys.executable, "-m", "workbench"]
STYLE = re.compile(r"\x1b\[[0-9;]*m")
HARMFUL = {
    "title of the window": "\x1b]0;owned\x07",
    "clear the screen": "\x1b[2J",
    "C1 control": "\x9b2J",
    "backspaces": "a\x08\x08b",
    "carriage return": "safe\rowned",
    "bell": "\x07",
    "delete": "\x7f",
    "right to left": "\u202egnp.exe\u202c",
    "isolate": "\u2066x\u2069",
    "zero width": "a\u200bb\ufeffc\u2060d",
    "tag characters": "x\U000e0041\U000e0042",
    "line separators": "a\u2028b\u2029c",
    "hyperlink": "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\",
}
# whatever a terminal executes, reverses or hides; line breaks and tabs are harmless
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
SHARE = {"value": 0.474, "low": 0.447, "high": 0.501}
METRIC = {"a": SHARE, "b": SHARE, "difference": 0.1, "low": 0.05, "high": 0.2, "p": 0.01,
          "holm": 0.03, "smallest": 0.02, "fixed": 10, "broken": 20}  # fmt: skip
GENERATION = f"{'0123456789abcdef' * 2}:000:eval-sft-0123456789ab"


@pytest.fixture
def at_80(monkeypatch, capsys):
    """Print on a terminal of 80 columns; the lines without styles."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")

    def printed(show, *arguments) -> list[str]:
        show(*arguments)
        return STYLE.sub("", capsys.readouterr().out).splitlines()

    return printed


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_no_text_reaches_a_terminal_as_a_command(at_80, text):
    for words in (True, False):
        table = tables.table(text, ["what", text], [[text, text], ["x", f"{text} {text}"]], words)
        lines = at_80(tables.show, table, text)
        assert not UNSAFE.search("\n".join(lines))
    assert not UNSAFE.search(visible(text))
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    "text",
    [
        *("a\tb\nc", "é ½ →", "e\u0301", "👩\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e"),
        *("日本", "[red]x[/red]"),
    ],
)  # fmt: skip
def test_texts_of_all_scripts_stay_as_they_are(text):
    assert visible(text) == text


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_an_error_message_shows_a_harmful_text_as_pictures(capsys, text):
    def fails() -> None:
        raise UserError(f"no source {text!s}")

    assert exit_code(fails) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: no source ")
    assert not UNSAFE.search(err)


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_an_argument_that_is_refused_is_shown_as_pictures(say, text):
    for arguments in (["nothing" + text], ["sft", "--steps", text], ["--store", text + "/x"]):
        _, _, err = say(*arguments)
        assert not UNSAFE.search(err)


def rows_of(lines: list[str], *cells: str) -> bool:
    return any(all(cell in line for cell in cells) for line in lines)


def test_the_stages_fit_80_columns_with_every_word_whole(at_80):
    row = {
        "stage": "sft",
        "train_problem_count": 0,
        "n": 1319,
        "left_out": 0,
        **dict.fromkeys(tables.METRICS, SHARE),
        "run": "eval-sft-12",
    }
    lines = at_80(tables.show, tables.stages([row]))
    assert max(map(len, lines)) <= 80
    assert rows_of(lines, "stage", "format", "answer", "partial", "run")
    assert rows_of(lines, "sft", "1,319", "47.4%", "eval-sft-12")


def test_a_comparison_that_is_too_wide_becomes_a_block_of_lines(at_80):
    value = {"a": "x", "b": "y", "grader": "strict", "n": 1, "only_a": 2, "only_b": 3,
             "metrics": {"answer": METRIC, "format": METRIC}}  # fmt: skip
    lines = at_80(tables.show, comparisons.metrics(value))
    assert max(map(len, lines)) <= 80
    for title, cell in (("metric", "answer"), ("metric", "format"), ("broken", "20"),
                        ("difference", "+10.0 points (+5.0 to +20.0)")):  # fmt: skip
        assert rows_of(lines, title, cell)


def test_transitions_keep_their_headings(at_80):
    step = {"from": "imported", "to": "other-imported", "fixed": 1, "broken": 2, "kept_right": 3,
            "kept_wrong": 4, "unknown": 0}  # fmt: skip
    value = {"n": 3, "grader": "strict", "left_out": 0, "samples": 1, "stages": ["a", "b"],
             "train_problem_counts": {}, "different": 0,
             "steps": [step], "paths": [{"path": ["a", "b"], "count": 3}]}  # fmt: skip
    lines = at_80(comparisons.transitions, value)
    assert rows_of(lines, "step", "fixed", "broken")
    assert not rows_of(lines, "…")


def test_ids_of_failures_are_whole_at_80_columns(at_80):
    row = {"generation_id": GENERATION, "stage": "sft", "gold": "12", "evidence": [{"text": "7"}]}
    value = {"category": "truncated", "means": "cut off", "n": 1, "run": "r", "rows": [row]}
    lines = at_80(scores.with_category, value)
    for title, cell in (("generation", GENERATION), ("stage", "sft"), ("reference answer", "12")):
        assert rows_of(lines, title, cell)


def test_a_word_longer_than_the_terminal_is_folded_and_nothing_of_it_is_lost(at_80):
    word = "x" * 300
    lines = at_80(tables.show, tables.table("t", ["what", "value"], [["a", word]]))
    assert "".join(lines).count("x") == 300
    assert max(map(len, lines)) <= 80


def test_a_table_without_rows_keeps_its_headings(at_80):
    columns = ["a heading that is long"] * 9
    assert rows_of(at_80(tables.show, tables.table("t", columns, [])), "head")


def test_a_file_gets_each_row_on_one_line(capsys):
    rows = [[GENERATION, "word " * 9, GENERATION, GENERATION]]
    tables.show(tables.table("t", ["a", "b", "c", "d"], rows, words=True))
    lines = capsys.readouterr().out.splitlines()
    assert sum(GENERATION in line for line in lines) == 1
    assert rows_of(lines, GENERATION)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-8"])
def test_a_character_that_the_terminal_lacks_becomes_its_code(monkeypatch, encoding):
    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding))

    def prints_and_fails() -> None:
        tables.show(tables.table("from → to", ["what"], [["√2 \x1b[2J \ud800"]]))
        raise UserError("no source →")

    assert exit_code(prints_and_fails) == 2
    sys.stdout.flush()
    sys.stderr.flush()
    arrow = "→".encode(encoding, "backslashreplace")
    assert b"from " + arrow + b" to" in out.getvalue()
    assert b"Error: no source " + arrow in err.getvalue()


@pytest.mark.parametrize(
    "arguments", [["subset", "fields"], ["subset", "fields", "--json"], ["--help"]]
)
def test_a_reader_that_has_ended_gives_141_and_no_message(tmp_path, arguments):
    reader, writer = os.pipe()
    os.close(reader)  # as `| head -0` does
    try:
        done = subprocess.run(
            [*COMMAND, "--store", str(tmp_path / "store"), *arguments],
            cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
