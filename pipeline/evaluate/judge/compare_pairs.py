"""Ask a judge which of two runs answers better: each pair in both orders, stored as it goes."""

from typing import Any

from data.progress import Progress
from data.store import Store, add, ask, files, fingerprint, runs
from evals.judge import (
    Rubric,
    pair_rows,
    pairs_of,
    questions_of_pairs,
    result_of_pairs,
    rubric_of,
)
from pipeline.evaluate import Latch
from pipeline.evaluate.judge.ask import Counts, replies_to, run_of
from pipeline.evaluate.judge.grade import recorded
from pipeline.evaluate.judge.model import model_of
from pipeline.stopping import Stop

BATCH = 500  # pairs whose texts are in memory


def compare_by_judge(
    store: Store,
    names: tuple[str, str],
    grader: str,
    progress: Progress,
    stop: Stop,
    limit: int | None = None,
) -> dict[str, Any]:
    """Compare the completions of two runs; the object of `thinkbench judge pairs`.

    limit: pairs at most, a choice that stays the same

    A pair of which a request failed for now is not stored; the same call asks it again.
    """
    rubric = rubric_of(store, grader)
    pairs, different = pairs_of(store, names, limit)
    run = _run_of_pairs(rubric, names)
    done = ask(
        store, "select generation_a, generation_b from judge_pairs where run = $run", run=run
    )
    missing = pairs.join(done, on=["generation_a", "generation_b"], how="anti")
    counts, latch = Counts(), Latch(stop)
    if missing.height:
        model = model_of(rubric)
        with (
            files.exclusive(store.folder, run_of(rubric)),
            recorded(store, rubric, counts),
            stop.listening(),
        ):
            for first in range(0, missing.height, BATCH):
                part = missing[first : first + BATCH]
                questions = questions_of_pairs(store, rubric, part)
                both = [question for pair in questions if pair for question in pair]
                replies = replies_to(store, rubric, both, model, counts, latch.is_set)
                rows = pair_rows(rubric, part, questions, replies)
                add(store, "judge_pairs", rows, run=run, once=fingerprint(rows=rows.rows()))
                progress(min(first + BATCH, missing.height), missing.height, {"asked": counts.sent})
                if latch.was_set:
                    break
        _record(store, run, rubric, names)
        if latch.was_set:
            stop.leave()
    value = result_of_pairs(store, rubric, run, names)
    return {**value, "different": different, **counts.as_json()}


def _run_of_pairs(rubric: Rubric, names: tuple[str, str]) -> str:
    key = fingerprint(names=names, grader=rubric.grader, version=rubric.version)
    return f"judge-pairs-{rubric.name}-{key[:12]}"


def _record(store: Store, run: str, rubric: Rubric, names: tuple[str, str]) -> None:
    """The run of a comparison, which goes on whenever more pairs are compared."""
    if runs.state(store, run) is None:
        config = {"judge": rubric.name, "version": rubric.version, "a": names[0], "b": names[1]}
        runs.begin(store, "judge-pairs", run=run, config=config, seed=rubric.seed, inputs={})
    value = result_of_pairs(store, rubric, run, names)
    summary = {name: value[name] for name in ("pairs", "wins_a", "wins_b", "ties", "unknown")}
    runs.end(store, run, "done", summary)
