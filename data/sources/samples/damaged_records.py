"""Records in the exact shape of Bespoke-Stratos-17k, a known share of them damaged on purpose.

`planted` says which record has which defect: what the converter must find, and nothing else.
"""

import random
from collections.abc import Callable
from typing import Any

from data.sources.samples import word_problems
from data.sources.samples.word_problems import Problem

REQUEST = "Return your final response within \\boxed{}. "
SYSTEM = (
    "Work in two parts. First explore the question at length, writing your exploration between"
    " <|begin_of_thought|> and <|end_of_thought|>. Then present what you concluded, written"
    " between <|begin_of_solution|> and <|end_of_solution|>."
)
CAREFUL = 0.35  # share of thoughts that write each step out; the rest name the result alone
DAMAGED = 0.15  # share of records with a planted defect
B_THOUGHT, E_THOUGHT = "<|begin_of_thought|>\n\n", "\n\n<|end_of_thought|>\n\n"
B_SOLUTION, E_SOLUTION = "<|begin_of_solution|>\n\n", "\n\n<|end_of_solution|>"


def text(thought: str, solution: str) -> str:
    return f"{B_THOUGHT}{thought}{E_THOUGHT}{B_SOLUTION}{solution}{E_SOLUTION}"


def solution(gold: str) -> str:
    return f"The answer is \\boxed{{{gold}}}."


Damage = Callable[[str, str], str]  # thought, gold -> the assistant's text

DAMAGES: dict[str, Damage] = {
    "no thinking": lambda thought, gold: f"{thought}\n\n{solution(gold)}",
    "no answer": lambda thought, gold: f"{B_THOUGHT}{thought}{E_THOUGHT}".rstrip(),
    "thought never closed": lambda thought, gold: (
        f"{B_THOUGHT}{thought}\n\n{B_SOLUTION}{solution(gold)}{E_SOLUTION}"
    ),
    "thought never opened": lambda thought, gold: text(thought, solution(gold)).removeprefix(
        B_THOUGHT
    ),
    "order reversed": lambda thought, gold: (
        f"{B_SOLUTION}{solution(gold)}{E_SOLUTION}\n\n{B_THOUGHT}{thought}{E_THOUGHT}".rstrip()
    ),
    "doubled block": lambda thought, gold: (
        f"{B_THOUGHT}{thought}{E_THOUGHT}{text('So ' + gold + '.', solution(gold))}"
    ),
    "two answers that differ": lambda thought, gold: text(
        thought, f"{solution(gold)} Or perhaps \\boxed{{{int(gold) + 1}}}."
    ),
    "answer empty": lambda thought, gold: text(thought, ""),
    "answer only inside the reasoning": lambda thought, gold: (
        f"{B_THOUGHT}{thought} So \\boxed{{{gold}}}.{E_THOUGHT}".rstrip()
    ),
    "residue of old markers": lambda thought, gold: text(f"{thought} </think>", solution(gold)),
    "leaked chat-template tokens": lambda thought, gold: text(
        f"{thought}<|im_end|>", solution(gold)
    ),
    "error text instead of content": lambda thought, gold: (
        f"Error: the request timed out.\n\n{text(thought, solution(gold))}"
    ),
    "repetition loop": lambda thought, gold: text(
        thought + " Let me check that once more." * 12, solution(gold)
    ),
    "mixed scripts": lambda thought, gold: text(f"{thought} 所以答案就是这样。", solution(gold)),
    "answer not short": lambda thought, gold: text(
        thought, f"```python\ndef answer():\n    return {gold}\n```"
    ),
    "boxed answer missing": lambda thought, gold: text(thought, f"That leaves {gold}."),
    "text cut off": lambda thought, gold: text(thought, solution(gold)).removesuffix(E_SOLUTION),
}
ALWAYS = ("prompt still asks for the old format", "system prompt of the old format")


def _records(n: int, seed: int) -> list[tuple[dict[str, Any], str | None]]:
    """Rows with their planted defect. Every defect occurs; which rows have one is shuffled."""
    rng = random.Random(f"records {seed}")
    phrases = [*DAMAGES]
    damaged = round(n * DAMAGED)
    plan: list[str | None] = [phrases[i % len(phrases)] for i in range(damaged)]
    plan += [None] * (n - damaged)
    rng.shuffle(plan)
    # another seed than the problems of GRPO and evaluation
    made = word_problems.problems(n, seed + 1_000, "train")
    return [(_row(rng, one, phrase), phrase) for one, phrase in zip(made, plan, strict=True)]


def _row(rng: random.Random, made: Problem, phrase: str | None) -> dict[str, Any]:
    thought = word_problems.careful(made) if rng.random() < CAREFUL else word_problems.terse(made)
    write = DAMAGES[phrase] if phrase else lambda thought, gold: text(thought, solution(gold))
    return {
        "system": SYSTEM,
        "conversations": [
            {"from": "user", "value": REQUEST + made.question},
            {"from": "assistant", "value": write(thought, made.gold)},
        ],
    }


def stratos_rows(n: int, seed: int) -> list[dict[str, Any]]:
    """`n` rows: columns system and conversations."""
    return [row for row, _ in _records(n, seed)]


def planted(n: int, seed: int) -> list[tuple[str, ...]]:
    """What is wrong with each of `stratos_rows(n, seed)`: its own defect, and what all have."""
    return [((phrase,) if phrase else ()) + ALWAYS for _, phrase in _records(n, seed)]
