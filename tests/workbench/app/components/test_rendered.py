"""Texts as Markdown of a page: what models mean by it is rendered, all else is nothing but text."""

import re
from html import unescape

import pytest
from hypothesis import given, strategies as some
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

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
        ("- a\n  - b\n- c", ["- a", "  - b", "- c"]),
        ("- a\n  more\n\n  - b", ["- a", "  more", "  - b"]),
        ("1. a\n2. b\n\nend", ["1) a", "2) b", "end"]),
        ("1. a\n3. b", ["1) a", "3. b"]),  # another list begins, with the number as written
        ("007. Bond", ["- 007. Bond"]),
        ("1. a\n   \\[x\\]\n   - b", ["1) a", "   $$", "   x", "   $$", "   - b"]),
        ("| a | b |\n|---|:-:|\n| 1 | `x` |", ["| a | b |", "| --- | --- |", "| 1 | `x` |"]),
        (
            "| a | b |\n|---|---|\n| $|x|$ |",
            ["| a | b |", "| --- | --- |", r"| $\vert x\vert $ |  |"],
        ),
        ("| a |\n|---|\n| 1 | $q$ |\n\n$p$", ["| a |", "|---|", "| 1 | $q$ |", "$p$"]),
        ("```python\nx = '$y$'\n```", ["```python", "x = '$y$'", "```"]),
        ("```$x$\ncode\n```\nthen $y$", ["```text", "$x$", "code", "```", "then $y$"]),
        ("```The answer is 42\nx", ["```text", "The answer is 42", "x", "```"]),
        ("```\nx\n``` The answer is 42", ["````text", "x", "``` The answer is 42", "````"]),
        ("so \\(x\\), `y` and $$z$$", [r"so $x$, `y` and $\displaystyle z$"]),
        ("so\n\\[x\\]\nthen", ["so", "$$", "x", "$$", "then"]),
        (r"\boxed{\$18}", [r"$\boxed{\text{\textdollar}18}$"]),
        ("2 * 3 * 4 and 2**3 or 2*(3)*4 costs $5", ["2 * 3 * 4 and 2**3 or 2*(3)*4 costs $5"]),
    ],
)
def test_what_models_mean_by_markdown_is_rendered(text, expected):
    assert lines(text) == [line.rstrip() for line in expected]


TEXTS_ONLY = [
    "[link](http://x) ![image](http://x/y.png) <http://x> www.example.org a@b.example",
    "a-@evil.example a@-b.example WWW.evil.example wwww.evil.example https://evil.example",
    ":smile: :material/home: :red[x] :blue-badge[y] :streamlit: :100:",
    "<b>x</b> <!-- y --> &amp; &#42;",
    "a\n===\nb",
    "~~x~~ --> <-> ^1 [^1]: note \\* \\[ x",
    "a | b\nc | d",
    "[x]: http://evil.example\n[x]",
    "a  \n    ![p](http://evil.example/p.png)",
]
CARRIED = [  # what ends where a formula or a cell does
    "`\\(x\n\n![p](https://evil.example/p.png) [c](https://evil.example)\n\ny\\)`",
    "| a | b | c |\n|---|---|---|\n| $|![p](https://evil.example/q.png)|$ | y | z |",
    "| a | b |\n|---|---|\n| $|[p](https://evil.example/q)|$ | y |",
    "\\boxed{x\n\n[c](https://evil.example)}",
]


@pytest.mark.parametrize("text", TEXTS_ONLY)
def test_all_else_stays_text(text):
    shown = markdown(text)
    signs = set(re.sub(r"&#\d+;", "", shown))
    assert not signs & set("*_[]<>&#`~$|\\:@{}")
    assert [line.strip() for line in lines(text)] == [line.strip() for line in text.split("\n")]


@pytest.mark.parametrize("text", [*TEXTS_ONLY, *CARRIED])
def test_nothing_is_a_link_or_an_image_for_a_reader_of_markdown_with_its_extensions(text):
    parser = MarkdownIt("gfm-like", {"linkify": False})
    tree = SyntaxTreeNode(parser.parse(markdown(text)))
    assert not {node.type for node in tree.walk()} & {"link", "image", "html_inline", "html_block"}
    addresses = r"https?://|www\.|[-.\w+]@[-\w]"  # of GFM's links of plain addresses
    assert not re.search(addresses, unescape(markdown(text)), re.IGNORECASE)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_hostile_text_means_anything(text):
    short = text[:5_000]
    shown = markdown(f"a {short} b", [Mark(0, 3, "x")])
    assert [sign for sign in MARKUP if sign in shown] == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def marked(text: str, *words: str) -> list[str]:
    marks = [Mark(text.index(word), text.index(word) + len(word), "a") for word in words]
    return re.findall(r":orange-background\[([^]]*)\]", unescape(markdown(text, marks)))


def test_a_mark_has_a_background_in_each_line_and_around_a_whole_formula():
    text = "one two\nthree $x + 1$ four"
    assert marked(text, "two\nthree $x + 1$ ", "three") == ["two", "three ", "$x + 1$"]
    assert marked(text, "+ 1") == ["$x + 1$"]
    assert marked("- a\n- **b c** a", "b c") == ["b c"]
    assert marked("# a\n\n2*3 = 6", "2*3") == ["2*3"]


def test_a_mark_of_code_or_of_a_fence_ends_with_it():
    text = "```\nx = 1\n```\nthe rest"
    assert marked(text, "x = 1\n```") == []
    assert marked(text, "```\nx", "rest") == ["rest"]


LINES = some.lists(
    some.sampled_from(
        ["- a", "  - b", "1. c", "7) d", "# e", "```", "```py", "| a | b |", "|--|--|", "| $q$ |",
         "    f", "> g", "---", "**h", "i** j", "`k", "$l$", "\\[m\\]", "", "===", "[n]: o", "*p*",
         "2*3*q", "\\boxed{r}", "<s>"]
    ),
    max_size=12,
)  # fmt: skip


@given(LINES)
def test_no_letter_of_a_text_is_lost_or_comes_elsewhere(parts):
    text = "\n".join(parts)
    shown = unescape(re.sub(r"```(?:text|py)", "", markdown(text).replace("\\displaystyle", "")))
    letters = re.compile(r"[a-z0-9]")
    source = re.sub(r"```py|\\(?=displaystyle)", "", text)
    assert letters.findall(shown) == letters.findall(source)


def test_a_table_of_many_columns_and_rows_is_no_more_than_its_text():
    text = "|" * 3_000 + "\n|--|\n" + "|\n" * 3_000
    assert len(markdown(text)) < 20 * len(text)
    text = "|a" * 30 + "|\n" + "|--" * 30 + "|\n" + "|\n" * 1_000
    assert len(markdown(text)) < 200 * len(text)
