"""Records in the shape of Bespoke-Stratos-17k, a fixed share of them damaged on purpose.

`planted` lists the defects of each record: the converter must find these and no others.
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
CAREFUL = 0.35  # share of thoughts that write out each step; the rest name only the result
DAMAGED = 0.15  # share of records with a planted defect
B_THOUGHT, E_THOUGHT = "<|begin_of_thought|>\n\n", "\n\n<|end_of_thought|>\n\n"
B_SOLUTION, E_SOLUTION = "<|begin_of_solution|>\n\n", "\n\n<|end_of_solution|>"


def text(thought: str, solution: str) -> str:
    """The assistant's turn: the two blocks between their four markers."""
    return f"{B_THOUGHT}{thought}{E_THOUGHT}{B_SOLUTION}{solution}{E_SOLUTION}"


def solution(gold: str) -> str:
    """The text of the answer block."""
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
    """Rows with their planted defect or None. Every defect occurs; the order is shuffled."""
    rng = random.Random(f"records {seed}")
    phrases = [*DAMAGES]
    damaged = round(n * DAMAGED)
    plan: list[str | None] = [phrases[i % len(phrases)] for i in range(damaged)]
    plan += [None] * (n - damaged)
    rng.shuffle(plan)
    # a different seed from that of the problems of GRPO and evaluation
    problems = word_problems.problems(n, seed + 1_000, "train")
    return [
        (_row(rng, problem, phrase), phrase) for problem, phrase in zip(problems, plan, strict=True)
    ]


def _row(rng: random.Random, problem: Problem, phrase: str | None) -> dict[str, Any]:
    style = word_problems.careful if rng.random() < CAREFUL else word_problems.terse
    thought = style(problem)
    write = DAMAGES[phrase] if phrase else lambda thought, gold: text(thought, solution(gold))
    return {
        "system": SYSTEM,
        "conversations": [
            {"from": "user", "value": REQUEST + problem.question},
            {"from": "assistant", "value": write(thought, problem.gold)},
        ],
    }


def stratos_rows(n: int, seed: int) -> list[dict[str, Any]]:
    """`n` rows: columns system and conversations."""
    return [row for row, _ in _records(n, seed)]


def planted(n: int, seed: int) -> list[tuple[str, ...]]:
    """The defects of each of `stratos_rows(n, seed)`: its planted one, and those that all have."""
    return [((phrase,) if phrase else ()) + ALWAYS for _, phrase in _records(n, seed)]
