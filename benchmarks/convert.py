"""Conversion against the usual way, on the same rows, in one process: python -m benchmarks.convert

The usual way is `datasets.map` with two regular expressions: it cuts reasoning and answer out where
it can and says nothing of the rest. Ours also finds defects, records spans and rewrites prompts.
`--alone N` instead streams N made rows through ours only and gives its peak memory.
"""

import argparse
import os
import random
import re
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ["POLARS_MAX_THREADS"] = "1"  # one core each, before polars is imported

from benchmarks import report
from data.conversion import BATCH, batched, convert_rows
from data.sources.samples import E_SOLUTION, REQUEST, SYSTEM, solution, text

WORDS = [f"{start}{end}" for start in ("ad", "box", "cou", "di") for end in ("d", "es", "nt", "g")]
THOUGHT = re.compile(r"<\|begin_of_thought\|>(.*?)<\|end_of_thought\|>", re.DOTALL)
SOLUTION = re.compile(r"<\|begin_of_solution\|>(.*?)<\|end_of_solution\|>", re.DOTALL)
CASES = {  # what the usual way looks for
    "stratos": (THOUGHT, SOLUTION),
    "think": (
        re.compile(r"<think>(.*?)</think>", re.DOTALL),
        re.compile(r"</think>(.*)", re.DOTALL),
    ),
    "code": (THOUGHT, SOLUTION),
    "long": (THOUGHT, SOLUTION),
}
CODE = "```python\ndef boxes(n):\n    return [number for number in range(n)]\n```"
LENGTH = 5_000  # of a thought, about [characters]
REPEATS = 5


def made_rows(n: int, seed: int = 0, case: str = "stratos") -> Iterator[dict[str, Any]]:
    """Rows in the shape of Stratos, about LENGTH each; one in twenty is cut off.

    case: stratos (four markers); think (<think>, and the answer is the rest); code (four markers,
    and a block of code in the thought); long (four markers, and lines of about 600 characters)
    """
    rng = random.Random(seed)
    words, end = (96, "\n") if case == "long" else (24, ".\n\n")
    pieces = [" ".join(rng.choices(WORDS, k=words)) + f" step {k}{end}" for k in range(4_000)]
    for number in range(n):
        thought = "".join(rng.choices(pieces, k=LENGTH // len(pieces[0])))
        thought = f"{thought}{CODE}" if case == "code" else thought.rstrip()
        said = text(thought, solution(str(number)))
        if case == "think":
            said = f"<think>\n{thought}\n</think>\n\n{solution(str(number))}"
        if number % 20 == 0:
            said = said[: len(said) // 2] if case == "think" else said.removesuffix(E_SOLUTION)
        turns = [("user", f"{REQUEST}How many in box {number}?"), ("assistant", said)]
        yield {"system": SYSTEM, "conversations": [{"from": a, "value": b} for a, b in turns]}


def usual(case: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What a notebook does to a row."""
    opened, closed = CASES[case]

    def cut(row: dict[str, Any]) -> dict[str, Any]:
        said = row["conversations"][1]["value"]
        thought, answer = opened.search(said), closed.search(said)
        return {
            "prompt": row["conversations"][0]["value"],
            "reasoning": thought.group(1).strip() if thought else "",
            "answer": answer.group(1).strip() if answer else "",
        }

    return cut


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compared(n: int, case: str) -> list[dict[str, Any]]:
    """Both ways over the same n rows, by turns; medians and the median ratio."""
    import datasets  # it takes memory, which `alone` measures

    rows = list(made_rows(n, case=case))
    characters = sum(len(turn["value"]) for row in rows for turn in row["conversations"])
    datasets.disable_progress_bars()
    ours, theirs, way = [], [], usual(case)
    with tempfile.TemporaryDirectory() as cache:
        whole = datasets.Dataset.from_list(rows)
        for repeat in range(REPEATS):
            file = f"{cache}/{repeat}.arrow"
            theirs.append(seconds(lambda file=file: whole.map(way, cache_file_name=file)))
            ours.append(
                seconds(lambda: [convert_rows(part, "stratos") for part in batched(rows, BATCH)])
            )
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    mine, usual_way = statistics.median(ours), statistics.median(theirs)
    return [
        {
            "case": f"{case}: {n} rows of {characters / n:,.0f} characters, {unit}",
            "ours": round(amount / mine, 1),
            "theirs": round(amount / usual_way, 1),
            "unit": unit,
            "ratio": round(ratio, 2),
        }
        for unit, amount in (("rows/s", n), ("MB/s", characters / 1e6))
    ]


def alone(n: int) -> list[dict[str, Any]]:
    """Ours over n rows as they are made; the rows are not kept."""
    kept = characters = 0
    took = 0.0
    for part in batched(made_rows(n), BATCH):
        characters += sum(len(turn["value"]) for row in part for turn in row["conversations"])
        begin = time.perf_counter()
        kept += convert_rows(part, "stratos").filter(outcome="example").height
        took += time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    case = f"{n} rows alone, {kept} kept"
    return [
        {"case": case, "ours": round(amount, 1), "theirs": None, "unit": unit, "ratio": None}
        for unit, amount in (
            ("rows/s", n / took),
            ("MB/s", characters / took / 1e6),
            ("MiB at most", peak),
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--alone", type=int, default=0, help="rows to stream through ours only")
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    rows = (
        alone(arguments.alone)
        if arguments.alone
        else [row for case in CASES for row in compared(arguments.rows, case)]
    )
    report("convert", rows, arguments.json)
