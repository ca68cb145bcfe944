"""Time of the search for test problems in training texts.

    python -m benchmarks.data.overlap [--json]

Texts of one template, which share most of their words, are the worst case; the same text again and
again is the worst case for regular expressions.
"""

import argparse
import time
from typing import Any

from benchmarks import report
from data.duplicates import overlaps

TEMPLATE = "{} has many apples and gives a few of them away to {} who eats them all at noon"
REPEATED = ("ha ", "a - ", "one ", "1,", "...", "xxx")


def measured(case: str, problems: list[str], trained: list[str]) -> dict[str, Any]:
    began = time.perf_counter()
    overlaps(problems, trained)
    seconds = round(time.perf_counter() - began, 2)
    return {"case": case, "ours": seconds, "theirs": None, "unit": "s", "ratio": None}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON only")
    rows = []
    for n in (1_500, 3_000):
        problems = [TEMPLATE.format(f"p{i}", f"q{i}") for i in range(n)]
        trained = [TEMPLATE.format(f"t{i}", f"u{i}") for i in range(2 * n)]
        rows.append(measured(f"{n:,} problems, {2 * n:,} texts of one template", problems, trained))
    for text in REPEATED:
        rows.append(measured(f"{text!r} 100,000 times", [text * 100_000], [text * 100_001]))
    report("overlap", rows, parser.parse_args().json)
