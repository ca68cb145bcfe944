"""Texts as Markdown of a page: what models mean by it is rendered, all else is nothing but text."""

import re
from html import unescape

import pytest
from hypothesis import given, strategies as some

from data.audit import Mark
from tests.support.harmless import MARKUP
from tests.support.hostile import TEXTS
from workbench.app.components.rendered import NOTHING, markdown


def lines(text: str, marks: list[Mark] | None = None) -> list[str]:
    """Lines of the Markdown with its entities as signs, without what only ends a line."""
    shown = unescape(markdown(text, marks or [])).replace(NOTHING, "")
    return [line.rstrip() for line in shown.split("\n") if line.strip()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## Step 1: add", ["**Step 1: add**"]),
        ("**So** it is **5", ["**So** it is **5"]),
        ("- a\n  - b\n- c", ["- a", "    - b", "- c"]),
        ("- a\n  more\n\n  - b", ["- a", "    more", "    - b"]),
        ("1. a\n   \\[x\\]\n   - b", ["1. a", "$$", "x", "$$", "- b"]),
        ("1) a\n2) b\nend", ["1. a", "2. b", "end"]),
        ("| a | b |\n|---|:-:|\n| 1 | 2 | 3 |", ["| a | b |", "| --- | --- |", "| 1 | 2 |"]),
        ("```python\nx = '$y$'\n```", ["```text", "x = '$y$'", "```"]),
        ("```\nnever closed", ["```text", "never closed", "```"]),
        ("so \\(x\\), `y` and $$z$$", ["so $x$, `y` and", "$$", "z", "$$"]),
        (r"\boxed{\$18}", [r"$\boxed{\text{\textdollar}18}$"]),
        ("2 * 3 * 4 and 2**3 costs $5", ["2 * 3 * 4 and 2**3 costs $5"]),
    ],
)
def test_what_models_mean_by_markdown_is_rendered(text, expected):
    assert lines(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4 and 2**3 and 5**",
        "[link](http://x) ![image](http://x/y.png) <http://x> www.example.org a@b.example",
        ":smile: :material/home: :red[x] :blue-badge[y] :streamlit: :100:",
        "<b>x</b> <!-- y --> &amp; &#42;",
        "a\n===\nb\n---\n***\n> c\n    d\n+ \n#5",
        "~~x~~ --> <-> ^1 [^1]: note \\* \\[ _y_",
        "a | b\nc | d",
    ],
)
def test_all_else_stays_text(text):
    shown = markdown(text)
    signs = set(re.sub(r"&#\d+;", "", shown))
    assert not signs & set("*_[]<>&#`~$|\\:@{}")
    assert [line.strip() for line in lines(text)] == [line.strip() for line in text.split("\n")]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_hostile_text_means_anything(text):
    short = text[:5_000]
    shown = markdown(f"a {short} b", [Mark(0, 3, "x")])
    assert [sign for sign in MARKUP if sign in shown] == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_a_mark_has_a_background_in_each_line_and_around_a_whole_formula():
    text = "one two\nthree $x + 1$ `code` four"
    start, end = text.index("two"), text.index("four")
    shown = markdown(text, [Mark(start, end, "a"), Mark(start, start + 5, "b")])
    assert re.findall(r":orange-background\[([^]]*)\]", shown) == [
        "two", "three ", "$x + 1$", "`code`"
    ]  # fmt: skip
    within = text.index("+ 1")
    shown = markdown(text, [Mark(within, within + 1, "a")])
    assert re.findall(r":orange-background\[([^]]*)\]", shown) == ["$x + 1$"]


@given(some.text(alphabet="ab*`$|-# \\n\\([{<:", max_size=60))
def test_no_character_is_lost_but_those_of_markdown(text):
    kept = re.compile(r"[^ab:<{]")  # neither ends a block, nor begins one
    shown = unescape(re.sub(r":orange-background\[|```text", "", markdown(text)))
    assert kept.sub("", shown) == kept.sub("", text)
