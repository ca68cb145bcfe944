"""The sentence beside values that come from answers to train problems."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any


def about_train_problems(counts: Mapping[str, Sequence[int]]) -> str:
    """counts: run or stage -> number of train problems that it answered, and of all; "" for none"""
    whole = [name for name, (n, of) in counts.items() if n == of]
    sentences = [
        f"{name}: {n:,} of {of:,} problems are train problems, which are no held-out scores."
        for name, (n, of) in counts.items()
        if n != of
    ]
    if whole:
        names = ", ".join(whole)
        sentences.insert(0, f"{names}: answers to train problems, so pass rates and no held-out"
                            " scores.")  # fmt: skip
    return " ".join(sentences)


def train_problems_by_run(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Run, or RUN/STAGE of one with several, -> counts; of rows of evals.comparison.stages."""
    stages = Counter(row["run"] for row in rows)
    return {
        row["run"] if stages[row["run"]] == 1 else f"{row['run']}/{row['stage']}": (
            row["train_problem_count"],
            row["n"],
        )
        for row in rows
        if row["train_problem_count"]
    }


def stage_with_train_problems(row: Mapping[str, Any]) -> str:
    """The stage of a row of evals.comparison.compare.stages, and whether of train problems."""
    count, n = row["train_problem_count"], row["n"]
    if not count:
        return str(row["stage"])
    number = "" if count == n else f"{count:,} "
    return f"{row['stage']} ({number}train problems)"
