"""Time of the search for near duplicates: python -m benchmarks.data.near_duplicates [--json]

Texts of one template are the worst case of a search that looks at pairs. None of these texts is a
near duplicate of another, so none leaves the search early.
"""

import argparse
import random
import time
from typing import Any

from benchmarks import report
from data.duplicates import repeats

VOCABULARY = [f"w{n}" for n in range(3_000)]
STOCK, STOCK_SENTENCES = 10, 50  # sentences of a text, and the number of them to choose from


def measured(case: str, texts: list[str]) -> dict[str, Any]:
    began = time.process_time()
    repeats(texts, near=True)
    seconds = round(time.process_time() - began, 2)
    return {"case": case, "ours": seconds, "theirs": None, "unit": "s", "ratio": None}


def of_a_template(n: int, own: int, rng: random.Random) -> list[str]:
    """Texts with 120 words in common and `own` words of their own."""
    template = rng.choices(VOCABULARY, k=120)
    return [" ".join(template + rng.choices(VOCABULARY, k=own)) for _ in range(n)]


def of_stock_sentences(n: int, rng: random.Random) -> list[str]:
    """Texts that are each another choice of the same sentences."""
    sentences = [" ".join(rng.choices(VOCABULARY, k=12)) for _ in range(STOCK_SENTENCES)]
    return [" ".join(rng.sample(sentences, STOCK)) for _ in range(n)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    rng, rows = random.Random(0), []
    for own in (60, 20):
        for n in (500, 1_000, 2_000, 4_000, 8_000, 16_000):
            case = f"{n:,} texts of one template, {own} of {120 + own} words their own"
            rows.append(measured(case, of_a_template(n, own, rng)))
    for n in (1_000, 4_000, 16_000):
        case = f"{n:,} texts of {STOCK} of {STOCK_SENTENCES} stock sentences"
        rows.append(measured(case, of_stock_sentences(n, rng)))
    for n in (25_000, 50_000, 100_000):
        texts = [" ".join(rng.choices(VOCABULARY, k=200)) for _ in range(n)]
        rows.append(measured(f"{n:,} unlike texts of 200 words", texts))
    report("near duplicates", rows, arguments.json)
