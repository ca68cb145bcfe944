"""Conversion of random rows (python -m tests.support.fuzz_convert SECONDS SEED)

Each row is converted by columns and one by one, under random rules; the two must agree, and nothing
may be invented or lost (tests/support/accounts.py). Ends with 1 and the row at the first fault.
"""

import argparse
import random
import sys
import time
from typing import Any

import polars as pl

from data.conversion.convert import RULES, convert
from data.conversion.convert_many import CONVERTED, as_row, convert_many, turns_of
from data.conversion.dialects import dialects
from data.conversion.plain import plain
from data.sources.samples.damaged_records import REQUEST, SYSTEM
from tests.support.accounts import faults
from tests.support.rows import PIECES, stratos

AT_ONCE = 400
PLAIN = ("begin_of_thought", "reasoning")  # dialects whose rows can be plain
THOUGHTS = ("\n\nI add them.\n\n", "\nTwo and two.\n", "3 + 4")
ANSWERS = ("\n\nSo \\boxed{3}.\n\n", "\n3\n", " 7 ", "\nThe answer is 3.\n")
PROMPTS = ("", REQUEST, "Be brief. ")


def odd(rng: random.Random, most: int) -> str:
    return "".join(rng.choices(PIECES, k=rng.randint(0, most)))


def completion(rng: random.Random) -> str:
    """A whole text of some dialect in which a piece here and there is odd."""
    name = rng.choice((*PLAIN, *rng.choices(list(dialects()), k=2)))
    dialect = dialects()[name]
    four = [rng.choice((*markers, "")[: len(markers) or 1]) for markers in dialect.four]
    often = rng.choice((0.03, 0.2, 0.6))  # how often a piece is odd

    def or_odd(usual: str, most: int = 3) -> str:
        return odd(rng, most) if rng.random() < often else usual

    thought = or_odd(rng.choice(THOUGHTS), 12)
    answer = or_odd(rng.choice(ANSWERS), 6)
    parts = (or_odd(""), four[0], thought, four[1], or_odd("\n\n"), four[2], answer, four[3])
    text = "".join(or_odd(part) if part in four else part for part in parts) + or_odd("")
    return text[: rng.randint(0, len(text))] if rng.random() < 0.1 else text


def row(rng: random.Random) -> dict[str, str]:
    prompt = rng.choice(PROMPTS) + "How many?" + (odd(rng, 2) if rng.random() < 0.2 else "")
    system = rng.choice(("", SYSTEM, "Be kind.", odd(rng, 3)))
    return {"system": system, "prompt": prompt, "completion": completion(rng)}


def of_batch(rng: random.Random) -> tuple[int, list[Any]]:
    """AT_ONCE rows: how many were plain, and what is wrong with which."""
    rows = [row(rng) for _ in range(AT_ONCE)]
    rules = frozenset(rule for rule in RULES if rng.random() < rng.choice((0, 0.4)))
    found = []
    said = [stratos(one) for one in rows]
    made = [convert("stratos", one, rules) for one in said]
    for one, what in zip(rows, made, strict=True):
        found += [(fault, sorted(rules), one) for fault in faults(one, what)]
    single = [as_row(place, what) for place, what in enumerate(made)]
    pairs = zip(
        convert_many("stratos", said, rules).to_dicts(),
        pl.DataFrame(single, schema=CONVERTED).to_dicts(),
        rows,
        strict=True,
    )
    found += [("the two ways differ", a, b, one) for a, b, one in pairs if a != b]
    return plain([turns_of("stratos", one) for one in said], rules).height, found


def main(seconds: float, seed: int) -> int:
    rng = random.Random(seed)
    read = plain_ones = 0
    slowest = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        n, found = of_batch(rng)
        slowest = max(slowest, time.monotonic() - begin)
        read, plain_ones = read + AT_ONCE, plain_ones + n
        if found:
            print(*found, sep="\n")
            return 1
    print(f"{read:,} rows, {plain_ones:,} of them plain; slowest {AT_ONCE} rows {slowest:.2f} s")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    sys.exit(main(given.seconds, given.seed))
