"""Random filters: python -m benchmarks.fuzzers.filters [INPUTS]

Each is parsed or refused with a FilterError, never anything else. The slowest one is printed: time
is bounded, as a filter has 2,000 characters at most.
"""

import random
import sys
import time

from data.subsets import FIELDS, LONGEST, FilterError, condition

PIECES = (
    *FIELDS, "and", "or", "not", "in", "contains", "is", "known", "unknown", "(", ")", ",", "=",
    "!=", "<", "<=", ">", ">=",
    "!", '"', '\\"', "\\", "'", '"a b"', "1", "-2.5", ".5", "1e9", "1" * 30,
    "x", "é", "漢", "\u202e", "\x00", "\n", "\t", "   ", "; drop table records", "--", "$value_0",
    "{only}", "%", "*",
)  # fmt: skip


def random_filter(rng: random.Random) -> str:
    """Words of the language in any order, a valid filter with one change, or one piece repeated."""
    kind = rng.random()
    if kind < 0.6:
        joint = rng.choice((" ", "", "  "))
        return joint.join(rng.choices(PIECES, k=rng.randint(0, 20)))
    if kind < 0.99:
        name, sign = rng.choice(list(FIELDS)), rng.choice(("=", "<", "!=", "contains", "in (a,"))
        text = f"{name} {sign} {rng.choice(PIECES)} and not (0 < {name} < 1)"
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(PIECES) + text[at + rng.randint(0, 2) :]
    piece = rng.choice(PIECES)
    return (piece * LONGEST)[: LONGEST + 1 - rng.randint(0, 1) * len(piece)]


def main(inputs: int) -> None:
    rng = random.Random(0)
    parsed, slowest = 0, (0.0, "")
    for _ in range(inputs):
        text = random_filter(rng)
        began = time.process_time()
        try:
            condition(text, FIELDS)
            parsed += 1
        except FilterError as refused:
            if not 0 <= refused.position <= max(len(text), LONGEST):
                raise RuntimeError(f"{text!r}: position {refused.position}") from refused
        slowest = max(slowest, (time.process_time() - began, text[:80]))
    print(f"{inputs:,} filters: {parsed:,} parsed, {inputs - parsed:,} refused, no other error")
    print(f"slowest: {slowest[0] * 1000:.1f} ms of CPU for {slowest[1]!r}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
