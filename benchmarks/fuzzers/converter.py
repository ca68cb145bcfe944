"""Random rows through the converter: python -m benchmarks.fuzzers.converter --rows 1000000

Rows are of every shape, put together from markers, tags, boxes, errors, templates and odd
characters, some of them not texts at all, under random rules. Each row must come out as an example
or quarantined with a reason; every example's texts must stand in the source; nothing of the source
may be lost. Any other outcome ends the program with the row. The object printed has the rows by
outcome, and the longest time of a row [µs per character] among those of 1,000 characters or more:
where that does not grow with the length, time is linear.
"""

import argparse
import json
import random
import time
from collections import Counter
from typing import Any

from data.conversion import RULES
from data.conversion.convert import convert
from data.sources import row_shapes
from tests.support.accounts import faults
from tests.support.rows import ASKED, PIECES

TEXTS = (
    *PIECES,
    *ASKED,
    '<think time="3">', "<mm:think>", "</mm:think>", "<think about>", "<details><summary>",
    "<response>", "</response>", "<final_answer>", "(a) ", "(b) ", " and ", "x = ", "#### ",
    "\\boxed{0.5}", "\\boxed{\\frac{1}{2}}", "\\boxed{1,000}", "\\boxed{50\\%}", "\\boxed{3, 4}",
    "I'm sorry, but I can't ", "Error: timeout", '{"error": ', "502 Bad Gateway", "null",
    "<bos><start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n", "[INST]", "</s>",
    "\u2028", "\ufeff", "\u202e", "\x00", "\U0001d7d9", "½", "\u22125", "\uff11\uff12",
    "五万", "1e999", "9" * 400,
)  # fmt: skip
ODD: tuple[Any, ...] = (None, 3, 2.5, True, [], {}, [None], [[]], {"text": 3}, "", "[", "[{}]")
THOUGHT_FIELDS = ("reasoning", "thinking", "reasoning_content", "thoughts")


def text(rng: random.Random) -> str:
    return "".join(rng.choices(TEXTS, k=rng.choice((0, 1, 3, 8, 20, 60))))


def whole(rng: random.Random) -> str:
    """A completion that is whole but for a piece here and there."""
    odd = "".join(rng.choices(TEXTS, k=rng.choice((0, 0, 0, 1, 2))))
    return f"<think>{odd}I add them.</think>\nSo \\boxed{{{rng.randint(0, 9)}}}{odd}"


def content(rng: random.Random) -> Any:
    choice = rng.random()
    if choice < 0.05:
        return rng.choice(ODD)
    written = whole(rng) if choice < 0.5 else text(rng)
    if choice < 0.15:
        return [{"type": rng.choice(("text", "thinking", "image")), "text": written}, text(rng)]
    return written


def turn(rng: random.Random, role: str) -> Any:
    if rng.random() < 0.02:
        return rng.choice(ODD)
    role_key, text_key = rng.choice((("role", "content"), ("from", "value")))
    fields = {role_key: role, text_key: content(rng)}
    return fields | ({rng.choice(THOUGHT_FIELDS): content(rng)} if rng.random() < 0.1 else {})


def row(rng: random.Random, shape: str) -> dict[str, Any]:
    if shape == "gsm8k":
        return {"question": content(rng), "answer": content(rng), "steps": rng.choice(ODD)}
    if shape == "completion":
        fields = {"prompt": content(rng), "completion": content(rng)}
        return fields | ({rng.choice(THOUGHT_FIELDS): content(rng)} if rng.random() < 0.1 else {})
    roles = rng.choice((("user", "assistant"),) * 6 + (("user",), ("user", "assistant") * 2))
    turns: Any = [turn(rng, role) for role in roles]
    if rng.random() < 0.1:
        turns = json.dumps(turns) if rng.random() < 0.5 else repr(turns)
    column = "messages" if shape == "messages" else "conversations"
    return {column: turns, "system": text(rng) if rng.random() < 0.2 else ""}


def wrong(values: dict[str, Any], shape: str, rules: frozenset[str]) -> tuple[list[str], str, int]:
    """What is wrong with the conversion of a row; its outcome; the characters of its texts."""
    result = convert(values, shape, rules=rules)
    try:
        texts = row_shapes.turns(shape, values, "first-exchange" in rules)
    except row_shapes.WrongShape:
        return ([] if result.reason else ["of no shape, without a reason"]), "wrong shape", 0
    fields = {"prompt": texts.prompt, "completion": texts.completion, "system": texts.system}
    size = sum(map(len, fields.values()))
    if shape == "gsm8k":  # its separator is no marker
        return ([] if result.example or result.reason else ["no reason"]), result.outcome, size
    return faults(fields, result), result.outcome, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    begin = time.monotonic()
    for number in range(options.rows):
        shape = rng.choice(list(row_shapes.COLUMNS))
        values = row(rng, shape)
        rules = frozenset(rng.sample(sorted(RULES), rng.choice((0, 0, 1, 2))))
        start = time.process_time()
        try:
            row_faults, outcome, size = wrong(values, shape, rules)
        except Exception as error:
            raise SystemExit(
                f"row {number}: {error!r}: {shape} {sorted(rules)} {values!r}"
            ) from error
        if row_faults:
            raise SystemExit(f"row {number}: {row_faults}: {shape} {sorted(rules)} {values!r}")
        if size >= 1_000:
            slowest = max(slowest, (time.process_time() - start) / size * 1e6)
        outcomes[outcome] += 1
    seconds = time.monotonic() - begin
    print(json.dumps({"rows": options.rows, **outcomes, "seconds": round(seconds),
                      "slowest_us_per_character": round(slowest, 2)}))  # fmt: skip


if __name__ == "__main__":
    main()
