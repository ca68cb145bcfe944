"""Conversion on one core and on two, beside `datasets.map`: python -m benchmarks.data.convert

A notebook would use `datasets.map` with two regular expressions: it cuts reasoning and answer out
where it can and reports nothing about the rest. Conversion also finds defects, records spans and
rewrites prompts. `--alone N` instead streams N generated rows through conversion only and reports
the peak memory of this process and of its largest worker, at half of the rows and at their end.
"""

import argparse
import functools
import itertools
import os
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

os.environ["POLARS_MAX_THREADS"] = "1"  # one core a process; set before polars is imported

from benchmarks import report
from data.conversion import BATCH
from data.conversion.rows import batched, convert_rows
from data.sources.samples import E_SOLUTION, REQUEST, SYSTEM, solution, text
from data.worker_pool import map_in_order

WORDS = [f"{start}{end}" for start in ("ad", "box", "cou", "di") for end in ("d", "es", "nt", "g")]
THOUGHT = re.compile(r"<\|begin_of_thought\|>(.*?)<\|end_of_thought\|>", re.DOTALL)
SOLUTION = re.compile(r"<\|begin_of_solution\|>(.*?)<\|end_of_solution\|>", re.DOTALL)
CASES = {  # what the notebook searches for
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
REPEATS = 3


def generated_rows(n: int, seed: int = 0, case: str = "stratos") -> Iterator[dict[str, Any]]:
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
        completion = text(thought, solution(str(number)))
        if case == "think":
            completion = f"<think>\n{thought}\n</think>\n\n{solution(str(number))}"
        if number % 20 == 0:
            half = completion[: len(completion) // 2]
            completion = half if case == "think" else completion.removesuffix(E_SOLUTION)
        turns = [("user", f"{REQUEST}How many in box {number}?"), ("assistant", completion)]
        yield {"system": SYSTEM, "conversations": [{"from": a, "value": b} for a, b in turns]}


def usual(case: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What a notebook would do to a row."""
    opened, closed = CASES[case]

    def cut(row: dict[str, Any]) -> dict[str, Any]:
        completion = row["conversations"][1]["value"]
        thought, answer = opened.search(completion), closed.search(completion)
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


def convert_all(batches: Iterable[list[dict[str, Any]]], workers: int) -> int:
    """Convert rows in the shape of Stratos; how many became examples."""
    work = functools.partial(convert_rows, shape="stratos")
    return sum(
        frame.filter(outcome="example").height for _, frame in map_in_order(work, batches, workers)
    )


def compared(n: int, case: str) -> list[dict[str, Any]]:
    """Both over the same n rows, in turns, each on one process and on two; medians and ratios.

    The time of two processes includes their start.
    """
    import datasets  # it takes memory, which `alone` measures

    rows = list(generated_rows(n, case=case))
    characters = sum(len(turn["value"]) for row in rows for turn in row["conversations"])
    datasets.disable_progress_bars()
    cut = usual(case)
    ours: dict[int, list[float]] = {1: [], 2: []}
    theirs: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as cache:
        whole = datasets.Dataset.from_list(rows)
        for repeat, workers in itertools.product(range(REPEATS), (1, 2)):
            file = f"{cache}/{repeat}-{workers}.arrow"
            processes = workers if workers > 1 else None
            arguments = {"cache_file_name": file, "num_proc": processes}
            theirs[workers].append(seconds(lambda a=arguments: whole.map(cut, **a)))
            batches = list(batched(rows, BATCH))
            ours[workers].append(seconds(lambda b=batches, w=workers: convert_all(b, w)))
    case = f"{case}: {n} rows of {characters / n:,.0f} characters"
    return [
        {
            "case": f"{case}, {workers} process{'es' * (workers > 1)}",
            "ours": round(n / statistics.median(ours[workers])),
            "theirs": round(n / statistics.median(theirs[workers])),
            "unit": "rows/s",
            "ratio": round(median_ratio(theirs[workers], ours[workers]), 2),
        }
        for workers in (1, 2)
    ] + [
        {
            "case": f"{case}, one process beside two",
            "ours": round(median_ratio(ours[1], ours[2]), 2),
            "theirs": None,
            "unit": "times the speed",
            "ratio": None,
        }
    ]


def median_ratio(first: list[float], second: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(first, second, strict=True))


def alone(n: int, workers: int) -> list[dict[str, Any]]:
    """Conversion of n rows as they are generated; the rows are not kept."""
    peaks = []
    begin = time.perf_counter()

    def batches() -> Iterator[list[dict[str, Any]]]:
        for number, batch in enumerate(batched(generated_rows(n), BATCH)):
            if number == n // BATCH // 2:
                peaks.append(("MiB at most, after half of the rows", peak_memory(RUSAGE_SELF)))
            yield batch

    examples = convert_all(batches(), workers)
    took = time.perf_counter() - begin
    peaks.append(("MiB at most, at the end", peak_memory(RUSAGE_SELF)))
    peaks.append(("MiB at most, in a worker", peak_memory(RUSAGE_CHILDREN)))
    case = f"{n} rows alone, {workers} worker(s), {examples} examples, rows generated meanwhile"
    return [
        {"case": case, "ours": round(amount), "theirs": None, "unit": unit, "ratio": None}
        for unit, amount in (("rows/s", n / took), *peaks)
    ]


def peak_memory(who: int) -> float:
    return getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=24_000)
    parser.add_argument("--case", choices=CASES, help="only this case")
    parser.add_argument("--alone", type=int, default=0, help="rows to stream through ours only")
    parser.add_argument("--workers", type=int, default=2, help="processes, with --alone")
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    rows = (
        alone(arguments.alone, arguments.workers)
        if arguments.alone
        else [
            row
            for case in ([arguments.case] if arguments.case else CASES)
            for row in compared(arguments.rows, case)
        ]
    )
    report("convert", rows, arguments.json)
