"""Generated word problems of one to four steps, with solutions in two styles.

`careful` writes out each step; `terse` names only the result, which a small model must then guess.
Both are correct. Reinforcement learning can change which style a model prefers.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

NAMES = (
    "Mia", "Leo", "Ana", "Sam", "Zoe", "Max", "Ivy", "Ben",
    "Eva", "Tom", "Lily", "Omar", "Ruth", "Hugo", "Nina", "Paul",
)  # fmt: skip
THINGS = (
    "pens", "books", "coins", "cards", "shells", "stamps",
    "apples", "beads", "cakes", "marbles", "stickers", "buttons",
)  # fmt: skip
BEGINNINGS = ("{name} has {n} {things}.", "{name} starts with {n} {things}.")
BEGINNINGS += ("There are {n} {things} in the box of {name}.",)
GAINS = ("Then {name} buys {n} more.", "A friend gives {name} {n} more.", "{name} finds {n} more.")
LOSSES = ("Then {name} gives away {n}.", "{name} loses {n} of them.", "{n} of them break.")
TIMES = {2: "Then the number of {things} doubles.", 3: "Then the number of {things} triples."}
TEST_SHARE = 10  # one question in TEST_SHARE belongs to the test split


@dataclass(frozen=True)
class Step:
    """One step of a solution: `left sign right = result`."""

    left: int
    sign: str
    right: int
    result: int


@dataclass(frozen=True)
class Problem:
    """A question, the steps that solve it, and the answer."""

    question: str
    steps: tuple[Step, ...]
    gold: str

    @property
    def split(self) -> str:
        """train or test. The question alone decides, so no question is in both splits."""
        digest = hashlib.sha256(self.question.encode()).digest()
        return "test" if digest[0] % TEST_SHARE == 0 else "train"


def problem(rng: random.Random, steps: int) -> Problem:
    """One problem of `steps` steps. Numbers stay small: a result of one step is at most 36."""
    name, things = rng.choice(NAMES), rng.choice(THINGS)
    have = rng.randint(2, 15)
    sentences = [rng.choice(BEGINNINGS).format(name=name, n=have, things=things)]
    solution: list[Step] = []
    for _ in range(steps):
        sentence, step = _step(rng, have)
        sentences.append(sentence.format(name=name, n=step.right, things=things))
        solution.append(step)
        have = step.result
    sentences.append(f"How many {things} does {name} have now?")
    return Problem(" ".join(sentences), tuple(solution), str(have))


def _step(rng: random.Random, have: int) -> tuple[str, Step]:
    signs = "++" + "--" * (have > 4) + "*" * (have <= 12)
    sign = rng.choice(signs)
    if sign == "+":
        n = rng.randint(2, 12)
        return rng.choice(GAINS), Step(have, sign, n, have + n)
    if sign == "-":
        n = rng.randint(2, min(12, have - 1))
        return rng.choice(LOSSES), Step(have, sign, n, have - n)
    n = rng.choice((2, 3))
    return TIMES[n], Step(have, sign, n, have * n)


def problems(n: int, seed: int, split: str) -> Iterator[Problem]:
    """`n` different problems of `split`, with one, two, three and four steps in turn."""
    rng = random.Random(f"{split} {seed}")
    seen: set[str] = set()
    while len(seen) < n:
        candidate = problem(rng, steps=1 + len(seen) % 4)
        if candidate.split == split and candidate.question not in seen:
            seen.add(candidate.question)
            yield candidate


def careful(problem: Problem) -> str:
    """A solution that writes out every step."""
    sums = (f"{step.left}{step.sign}{step.right}={step.result}." for step in problem.steps)
    return "Step by step: " + " ".join(sums)


def terse(problem: Problem) -> str:
    """A solution that names only the result."""
    return f"In the end that makes {problem.gold}."


def gsm8k_rows(n: int, seed: int, split: str) -> list[dict[str, str | int]]:
    """Rows in GSM8K's shape, with its calculator notes and `#### N`, and the number of steps."""
    rows = []
    for problem in problems(n, seed, split):
        lines = [
            f"{step.left} {step.sign} {step.right} ="
            f" <<{step.left}{step.sign}{step.right}={step.result}>>{step.result}"
            for step in problem.steps
        ]
        answer = "\n".join([*lines, f"#### {problem.gold}"])
        rows.append({"question": problem.question, "answer": answer, "steps": len(problem.steps)})
    return rows
