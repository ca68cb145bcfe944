"""That a page drew texts as texts: what is looked at in every element of it."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from google.protobuf.json_format import MessageToDict
from streamlit.testing.v1 import AppTest


class Elements(HTMLParser):
    """The elements of a piece of HTML with the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, ...]] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.found.add((tag, *(name for name, _ in attrs)))


HARMLESS = {
    ("pre", "tabindex", "style"),  # it scrolls: keys must reach it
    ("mark", "style", "title"),
    ("details", "open", "style"),
    ("summary", "style"),
    *((name, "style") for name in ("div", "span")),  # of a lineage's chain, and its links
    ("span", "style", "title"),
    ("a", "href", "style"),
}
MARKUP = ("javascript:", "<script", "onerror=", "\\href", "# big", ":red[")
TURNING = ("\u202e", "\u2066", "\x1b", "\x9b")
LONG = 200_000  # characters of one element


def elements(page: str) -> set[tuple[str, ...]]:
    """Those elements of the HTML that a text must not make."""
    return Elements(page).found - HARMLESS


# what each kind of element draws as Markdown besides labels and help
SPOKEN = dict.fromkeys(
    ("title", "header", "subheader", "caption", "markdown", "latex", "info", "warning", "error",
     "success", "metric"), "body"
) | {"progress": "text", "spinner": "text", "radio": "options"}  # fmt: skip
LETTERS = {"text": "body", "code": "code_text", "selectbox": "options", "multiselect": "options"}


def check(page: AppTest) -> None:
    """Fail where a text reached a place of the page in which it would be more than text."""
    assert not page.exception
    bodies = [element.proto.body for element in page.get("html")]
    none([tags for body in bodies if (tags := elements(body))])
    spoken, shown = [], bodies
    for node in (*page.main, *page.sidebar):
        if node.proto is not None and node.type not in ("dataframe", "vega_lite_chart"):
            values = MessageToDict(node.proto, preserving_proto_field_name=True)
            spoken += [values.get(SPOKEN.get(node.type, ""), ""), *named(values)]
            shown.append(values.get(LETTERS.get(node.type, ""), ""))
            if node.type == "bidi_component":
                rows = json.loads(values["json"], object_hook=without_id)
                shown.append(rows)
    none([text for text in strings(spoken) for sign in MARKUP if sign in text])
    # the rest is drawn letter by letter, but letters must not turn around, nor be too many
    cells = [str(cell) for frame in page.dataframe for name in frame.value
             for cell in frame.value[name]]  # fmt: skip
    none([cell[:300] for cell in cells if len(cell) > 10_000])
    letters = [*strings(spoken), *strings(shown), *cells]
    none([text[:300] for text in letters for sign in TURNING if sign in text])
    none([text[:300] for text in letters if len(text) > LONG])


def without_id(values: dict[str, Any]) -> dict[str, Any]:
    """An id goes back as it came, and is not shown."""
    return {name: value for name, value in values.items() if name != "id"}


def none(values: list[Any]) -> None:
    assert not values, values


def named(values: Any) -> Iterator[Any]:
    """The labels and helps in what an element is made of, at whatever depth."""
    if isinstance(values, dict):
        for name, value in values.items():
            if name in ("label", "help", "content", "captions"):
                yield value
            elif not isinstance(value, str):
                yield from named(value)
    elif isinstance(values, list):
        for value in values:
            yield from named(value)


def strings(values: Any) -> Iterator[str]:
    """All texts in `values`."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict | list):
        for value in values.values() if isinstance(values, dict) else values:
            yield from strings(value)
