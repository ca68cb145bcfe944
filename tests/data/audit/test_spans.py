"""Marks on texts: nothing of a text is lost, and nothing of it becomes markup."""

import re
from html import unescape

from hypothesis import given, strategies as some

from data.audit.spans import Mark, Piece, pieces
from workbench.formatting import marks as marked

LABELS = ("reasoning", "answer", "no answer", "doubled block")


@some.composite
def texts_with_marks(draw):
    text = draw(some.text(alphabet="ab<&>\"' \n\u4e00", max_size=40))
    edge, label = some.integers(0, len(text)), some.sampled_from(LABELS)
    drawn = draw(some.lists(some.tuples(edge, edge, label), max_size=6))
    return text, [Mark(min(a, b), max(a, b), label) for a, b, label in drawn]


@given(texts_with_marks())
def test_joined_the_pieces_are_the_text_and_each_character_has_its_marks(given_):
    text, marks = given_
    cut = list(pieces(text, marks))
    assert "".join(piece.text for piece in cut) == text
    at = 0
    for piece in cut:
        for i in range(at, at + len(piece.text)):
            assert set(piece.labels) == {m.label for m in marks if m.start <= i < m.end}
        at += len(piece.text)
    empty = {label for p in cut if not p.text for label in p.labels}
    assert empty == {m.label for m in marks if m.start == m.end}


@given(texts_with_marks())
def test_on_a_page_every_character_is_escaped_and_can_be_read_again(given_):
    text, marks = given_
    page = marked.on_page(pieces(text, marks))
    tags = re.compile(r"</?(?:pre|mark)\b[^<>]*>")
    inside = tags.sub("", page)
    assert "<" not in inside
    # a parser of HTML drops one newline behind <pre>
    assert unescape(inside).replace("\u200b", "") == f"\n{text}"


def test_a_label_cannot_leave_its_attribute():
    page = marked.on_page([Piece("x", ('"><script>',))])
    assert "<script>" not in page


def test_a_terminal_says_the_phrase_behind_the_mark_and_shortens_only_what_no_defect_marks():
    text = "a" * 5_000 + "<think>" + "b" * 5_000
    drawn = str(marked.in_terminal(pieces(text, [Mark(5_000, 5_007, "thought never closed")])))
    assert "<think> [thought never closed]" in drawn
    assert "4,400 characters" in drawn


def test_ten_thousand_marks_are_cut_in_a_moment():
    text = "<think>" * 10_000
    marks = [Mark(7 * n, 7 * n + 7, "doubled block") for n in range(10_000)]
    assert len(list(pieces(text, marks))) == 10_000


def test_a_terminal_obeys_no_control_character_of_a_text():
    text = "a\x1b[2J\x07\x9b\x7f\n\tb"
    for label in ("reasoning", "no answer"):
        drawn = str(marked.in_terminal(pieces(text, [Mark(0, len(text), label)])))
        assert drawn.startswith("a\u241b[2J\u2407\u2421\u2421\n\tb")
