"""Rows that are whole but for a piece here and there: what conversion is tried on."""

from typing import Any

from hypothesis import strategies as some

from data.conversion.dialects.table import BUNDLED
from data.sources.samples.damaged_records import REQUEST, SYSTEM

PIECES = (
    *(
        "\n",
        "\n\n",
        " ",
        "\t",
        "\x1c",
        "\u00a0",
        "\u2003",
        "x",
        "so 1 + 2 = 3",
        "a < b",
        "[",
        "&lt;",
    ),
    *(
        "```",
        "~~~",
        "`",
        '"',
        "'",
        "é",
        "漢字",
        "привет",
        "\\boxed{3}",
        "\\boxed{ 4 }",
        "\\boxed{",
        "}",
    ),
    *(
        "<THINK>",
        "</think >",
        "<begin_of_thought>",
        "&#60;think&#62;",
        "\uff1canswer\uff1e",
        "<\uff5cthink\uff5c>",
        "<think\x1c>",
    ),
    *("The answer is 4. ", "Final answer: 3"),
    *("error: 500", "None", "I am sorry", "the same line\n", "go on and on ", "\r\n", "7" * 210),
    *sorted(BUNDLED.every_marker - {""}),
)
ASKED = (
    REQUEST,
    "Return your final response within \\boxed{}.",
    " ",
    "How many?",
    "\\boxed{}",
    "<think>",
)


def markers(open_thought: str, close_thought: str, open_answer: str, close_answer: str):
    """Completions that are whole but for a piece here and there."""
    odd = some.lists(some.sampled_from(PIECES), max_size=3).map("".join)
    rarely = some.one_of(some.just(""), some.just("\n"), odd)
    text = some.one_of(some.just("\n\nI add them.\n\n"), odd, some.text(max_size=20))
    answer = some.one_of(some.just("\n\nSo \\boxed{3}.\n\n"), some.just("\n3\n"), odd)
    parts = (rarely, some.just(open_thought), text, rarely, some.just(close_thought), rarely,
             some.just(open_answer), answer, some.just(close_answer), rarely)  # fmt: skip
    return some.tuples(*parts).map("".join)


STRATOS = markers("<|begin_of_thought|>", "<|end_of_thought|>", "<|begin_of_solution|>",
                  "<|end_of_solution|>")  # fmt: skip
OURS = markers("<reasoning>", "</reasoning>", "<answer>", "</answer>")
THINK = markers("<think>", "</think>", "", "")
ROWS = some.fixed_dictionaries(
    {
        "system": some.sampled_from(["", SYSTEM, "Be kind.", "Use \\boxed{} always."]),
        "prompt": some.lists(some.sampled_from(ASKED), min_size=1, max_size=3).map("".join),
        "completion": some.one_of(STRATOS, OURS, THINK),
    }
)


def stratos(row: dict[str, str]) -> dict[str, Any]:
    """A row of ROWS in the shape of Stratos."""
    turns = [{"from": "user", "value": row["prompt"]}]
    turns.append({"from": "assistant", "value": row["completion"]})
    return {"system": row["system"], "conversations": turns}
