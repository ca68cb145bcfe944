"""Texts on a page: folded by their blocks, escaped whatever they hold, of a bearable length."""

import re
from html import unescape

import polars as pl
import pytest

from data.audit.spans import Mark, Piece, pieces
from tests.support.hostile import TEXTS, elements
from workbench.app.components import text as texts

ELEMENTS = re.compile(r"</?(?:details|summary|pre|mark)\b[^<>]*>")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_nothing_in_a_text_is_an_element_of_the_page(text):
    page = texts.folded(f"a{text}b", [Mark(0, 3, text[:50])], name=text[:50])
    assert elements(page) == set()
    assert "<" not in ELEMENTS.sub("", page)
    assert len(page) < 100_000


@pytest.mark.parametrize("name", ["bidi", "ansi"])
def test_what_turns_letters_around_or_controls_a_terminal_is_shown_as_what_it_is(name):
    shown = texts.plain(TEXTS[name])
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    table = texts.plain_columns(pl.DataFrame({"x": [TEXTS[name], None], "n": [1, 2]}))
    assert table["x"].to_list() == [shown, None]


def test_a_text_is_folded_by_its_blocks_and_none_of_it_is_lost():
    text = "before <reasoning>r</reasoning>\n<answer>7</answer> after <answer>8"
    blocks = texts.blocks(text)
    assert [kind for kind, *_ in blocks] == ["text", "reasoning", "answer", "text"]
    joined = "".join(text[start:end] for _, start, end in blocks)
    assert joined == text.replace("\n", "")
    page = texts.folded(text)
    assert page.count("<details open") == 4
    assert "reasoning, 24 characters" in page


def test_an_empty_text_is_a_fold_that_says_so():
    assert texts.blocks("") == [("text", 0, 0)]
    assert "0 characters" in texts.folded("")


def test_a_long_text_keeps_its_ends_and_says_what_is_left_out():
    page = texts.folded("<answer>" + "a" * 500_000 + "z</answer>", name="answer")
    shown = unescape(ELEMENTS.sub("", page))
    assert "440,018 characters …" in shown
    assert shown.rstrip().endswith("z</answer>")


def test_a_mark_is_where_its_evidence_is_in_whichever_block():
    text = "<reasoning>2 + 2 = 5</reasoning>\n<answer>5</answer>"
    start = text.index("2 + 2")
    page = texts.folded(text, [Mark(start, start + 9, "arithmetic slip")])
    assert 'title="arithmetic slip">2 + 2 = 5</mark>' in page


def test_marks_stay_on_what_they_were_on_in_a_text_that_is_cut():
    text = "a" * 300_000 + "\u202e" + "b" * 300_000 + "wrong" + "c" * 10
    at = text.index("wrong")
    cut = texts.shortened(pieces(text, [Mark(300_000, 300_001, "odd"), Mark(at, at + 5, "slip")]))
    assert [(p.text, p.labels) for p in cut if p.labels] == [("⟨U+202E⟩", ("odd",)),
                                                             ("wrong", ("slip",))]  # fmt: skip
    assert sum(len(piece.text) for piece in cut) < texts.LONGEST
    assert cut[-1].text == "c" * 10


def test_a_text_with_very_many_marks_is_cut_between_its_ends_and_one_that_fits_is_whole():
    def marked(n: int) -> list[Piece]:
        return list(pieces("ab" * n, [Mark(2 * k, 2 * k + 1, "odd") for k in range(n)]))

    assert texts.shortened(marked(1_000)) == marked(1_000)
    cut = texts.shortened(marked(100_000))
    assert len(cut) < 250
    assert [cut[0], cut[-1]] == [Piece("a", ("odd",)), Piece("b", ())]
    assert "199,800 characters" in "".join(piece.text for piece in cut)


def test_texts_in_a_table_are_cut_in_lists_too():
    table = texts.plain_columns(pl.DataFrame({"x": ["y" * 5_000], "z": [["\u202e", "y" * 5_000]]}))
    shown = "y" * texts.CELL + " …"
    assert table.row(0) == (shown, ["⟨U+202E⟩", shown])


def test_a_million_openers_are_cut_in_a_moment():
    assert len(texts.blocks("<reasoning>" * 90_000)) == 1
