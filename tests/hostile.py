"""Texts that would do harm, or break a page, if any of it were markup; and a store full of them."""

import json
from html.parser import HTMLParser

from streamlit.testing.v1 import AppTest

from data import state
from data.store import Store, add, ask
from evals.imports import import_file
from evals.report import grade_run
from tests.store_rows import rows_of

TEXTS = {
    "script": "<script>alert(1)</script>",
    "handler": '<img src=x onerror="alert(1)"><svg onload=alert(1)>',
    "link": "[click](javascript:alert(1)) <javascript:alert(1)> ![x](javascript:alert(1))",
    "markdown": "# big\n\n| a | b |\n|---|---|\n:red[x] :material/home: **b** `c` ~~d~~",
    "latex": r"$\href{javascript:alert(1)}{x}$ $$\def\x{\x\x}\x$$ \[\input{/etc/passwd}\]",
    "close": "</pre></mark></details><script>alert(1)</script>",
    "tags": "<reasoning>" * 50 + "</answer>" * 50 + "<answer>",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069",
    "ansi": "\x1b[2J\x1b]0;owned\x07\x00\x9b31m",
    "long": "x" * 1_000_000,
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
}


def fill(store: Store, folder) -> None:
    """Add two runs in which every text, question, gold, tag and reward name is one of TEXTS."""
    for run in ("one", "two"):
        rows = [
            {
                "problem_id": f"{name} {text[:80]}",
                "question": text,
                "gold": text[:500],
                "text": f"<reasoning>{text}</reasoning>\n<answer>{text[:500]}</answer>{text[:99]}",
                "stage": "sft",
            }
            for name, text in TEXTS.items()
        ]
        file = folder / f"{run}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        import_file(store, file, run)
        for grader in ("strict", "lenient"):
            grade_run(store, run, grader)
    ids = ask(store, "select generation_id from generations where run = 'one'")["generation_id"]
    for text in TEXTS.values():
        state.tag_all(store, "generation", ids.to_list(), text[:80].replace("\n", " "), text[:50])
    rollouts(store)


def rollouts(store: Store) -> None:
    """A GRPO run of one step whose texts and names of rewards are TEXTS."""
    from data import runs

    texts = list(TEXTS.values())
    n = len(texts)
    runs.begin(store, "grpo", run="grpo-1", stage="grpo", config={}, seed=0, inputs={})
    rows = rows_of(
        "rollouts",
        step=[1] * n,
        group=[0] * n,
        sample=list(range(n)),
        problem_id=[texts[0]] * n,
        text=texts,
        tokens=[5] * n,
        finish=["stop"] * n,
        rewards=[[{"name": text[:80], "value": 1.0, "weight": 1.0}] for text in texts],
        reward=[1.0] * n,
        advantage=[0.0] * n,
    )
    add(store, "rollouts", rows, run="grpo-1")
    metrics = rows_of("metrics", step=[1] * n, name=[f"guard/{text[:80]}" for text in texts],
                      value=[1.0] * n)  # fmt: skip
    add(store, "metrics", metrics, run="grpo-1")
    runs.end(store, "grpo-1", "done", {})


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
    ("pre", "style"),
    ("mark", "style", "title"),
    ("details", "open", "style"),
    ("summary", "style"),
}
SIGNS = ("javascript:", "<script", "onerror", "\\href", "# big", ":red[", "\u202e", "\x1b", "\x9b")


def elements(page: str) -> set[tuple[str, ...]]:
    """Those elements of the HTML that a text must not make."""
    return Elements(page).found - HARMLESS


def check(page: AppTest) -> None:
    """Fail where a text reached a place of the page in which it would be more than text."""
    assert not page.exception
    for element in page.get("html"):
        assert elements(element.proto.body) == set()
    # these are drawn as Markdown, which no text of a store may reach
    spoken = [getattr(page, kind) for kind in ("title", "header", "subheader", "caption",
              "markdown", "info", "warning", "error", "success")]  # fmt: skip
    said = [element.value for found in spoken for element in found]
    said += [metric.label for metric in page.metric]
    said += [button.label for button in page.button]
    said += [option.content for box in page.button_group for option in box.proto.options]
    assert [text for text in said for sign in SIGNS if sign in text] == []
    # tables, boxes and plain texts are drawn letter by letter, but letters must not turn around
    for frame in page.dataframe:
        cells = frame.value.select_dtypes(include=["object", "string"])
        for column in cells:
            assert not any(sign in str(cell) for cell in cells[column] for sign in SIGNS[-3:])
            assert all(len(str(cell)) < 10_000 for cell in cells[column])
    for text in page.text:
        assert not any(sign in text.value for sign in SIGNS[-3:])
        assert len(text.value) < 100_000
