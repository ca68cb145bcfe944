"""Many made records for a store, of SFT and of problems, with all that an audit finds in each."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import Store, ask

RECORDS, PROBLEMS = "made-records", "made-problems"
NUMBER = 100_000  # of each
STEPS = 20  # of a thought, about 2 KB
CUT_OFF, NEARLY_THE_SAME = 0.1, 0.02  # shares
OPENED, CLOSED = "<|begin_of_thought|>", "<|end_of_thought|>"
SYSTEM = "Think in <|begin_of_thought|> and answer in <|begin_of_solution|>."


def fill_records(store: Store, n: int = NUMBER, seed: int = 0) -> None:
    """Add and convert `n` records of each kind, where the store has none of them yet."""
    converted = set(ask(store, "select distinct source from conversions")["source"])
    draw = np.random.default_rng(seed)
    for source, shape, rows in (
        (RECORDS, "stratos", _records(n, draw)),
        (PROBLEMS, "gsm8k", _problems(n, draw)),
    ):
        if source in converted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.jsonl")
            with path.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
            ingest(store, source, path, shape)
        convert_source(store, source)


def _records(n: int, draw: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Rows of Bespoke-Stratos' shape; some thoughts are cut off, some say nearly the same."""
    thought = _thought(draw)
    for number in range(n):
        if draw.random() >= NEARLY_THE_SAME:
            thought = _thought(draw)
        closed = "" if draw.random() < CUT_OFF else CLOSED
        solution = f"<|begin_of_solution|>\n\\boxed{{{number}}}\n<|end_of_solution|>"
        turns = (
            ("user", f"What comes after {number - 1} in row {number % 97}?"),
            ("assistant", f"{OPENED}\n{thought}\n{closed}\n\n{solution}"),
        )
        yield {
            "system": SYSTEM,
            "conversations": [{"from": who, "value": text} for who, text in turns],
        }


def _thought(draw: np.random.Generator) -> str:
    numbers = draw.integers(1, 10_000, (STEPS, 2)).tolist()
    return "\n".join(
        f"Now take {a} of the pens and {b} of the boxes, which together are {a + b}; then go on."
        for a, b in numbers
    )


def _problems(n: int, draw: np.random.Generator) -> Iterator[dict[str, Any]]:
    for number in range(n):
        a, b = draw.integers(1, 1_000_000, 2).tolist()
        yield {
            "question": f"Shelf {number} holds {a} pens, and {b} more come. How many are there?",
            "answer": f"There are {a} and {b}, so {a} + {b} = {a + b}.\n#### {a + b}",
        }
