"""The preference pairs of a run of DPO: chosen from answers, hashed, and stored with the run.

What a run trains on are the stored rows. Verdicts, rulings and rollouts that come later change
which pairs would be chosen, and never what a run that resumes goes on with.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.store import TABLES, Store, add, ask, fingerprint, within
from data.store.files import StoreError
from evals.curation.preferences import Pair, Sampled, pairs_of, sampled

TABLE = "preference_pairs"
CUT_OFF = "correct answers that were cut off"
HELD_OUT = "answers to held-out problems"


@dataclass(frozen=True)
class ChosenPairs:
    """rows: columns of `preference_pairs` without run   left_out: reason -> how many"""

    rows: pl.DataFrame
    left_out: dict[str, int]

    @property
    def digest(self) -> str:
        """The hash of all rows, in their order."""
        return fingerprint(rows=self.rows.to_dicts())


def choose_pairs(
    store: Store,
    runs: Sequence[str],
    problem_ids: Sequence[str],
    heldout: Collection[str],
    per_problem: int,
    least_margin: float,
) -> ChosenPairs:
    """Pairs of the answers of `runs` to these train problems, none of those that are held out.

    A correct answer that was cut off is not chosen: the model would learn not to end.
    """
    answers = sampled(store, runs, problem_ids)
    _leave_out(answers, set(heldout))
    pairs = list(pairs_of(answers, per_problem, least_margin))
    rows = [_row(number, pair, answers) for number, pair in enumerate(pairs)]
    columns: dict[str, Any] = {name: t for name, t in TABLES[TABLE].items() if name != "run"}
    left_out = {reason: n for reason, n in answers.left_out.items() if n}
    return ChosenPairs(pl.DataFrame(rows, schema=columns), left_out)


def _leave_out(answers: Sampled, heldout: set[str]) -> None:
    for problem_id in answers.problems.keys() & heldout:
        del answers.problems[problem_id]
        answers.left_out[HELD_OUT] += len(answers.answers.pop(problem_id, {}))
    for of_problem in answers.answers.values():
        cut_off = [a.text for a in of_problem.values() if a.correct and a.finish == "length"]
        answers.left_out[CUT_OFF] += len(cut_off)
        for text in cut_off:
            del of_problem[text]


def _row(number: int, pair: Pair, answers: Sampled) -> dict[str, Any]:
    return {
        "pair": number,
        "problem_id": pair.problem_id,
        "question": answers.problems[pair.problem_id]["question"],
        "chosen": pair.chosen.text,
        "rejected": pair.rejected.text,
        "rejected_finish": pair.rejected.finish,
        "margin": pair.margin,
        "chosen_run": pair.chosen.run,
        "chosen_by": pair.chosen.made_by,
        "rejected_run": pair.rejected.run,
        "rejected_by": pair.rejected.made_by,
    }


def store_pairs(store: Store, run: str, pairs: ChosenPairs) -> None:
    """Add the pairs to the store as those of `run`; a second call adds nothing."""
    add(store, TABLE, pairs.rows, run=run, once=pairs.digest)


def stored_pairs(store: Store, run: str, digest: str | None = None) -> ChosenPairs | None:
    """The pairs of `run`; None where it has none. StoreError: they are not those of `digest`."""
    rows = ask(
        within(store, [run]),
        "select * exclude (run) from preference_pairs where run = $run order by pair",
        run=run,
    )
    if rows.is_empty():
        return None
    pairs = ChosenPairs(rows, {})
    if digest is not None and pairs.digest != digest:
        raise StoreError(
            f"the {rows.height} preference pairs of run {run} are not those that it was started"
            " with: a part of the store was lost or changed. Restore it from a backup, or start a"
            " new run."
        )
    return pairs
