"""Two runs compared by a judge: for each problem two completions, asked in both orders.

Models prefer one position, so a completion wins only where the judge prefers it in both orders;
else it is a tie. A pair of which an order has no readable reply is unknown, and no win.
"""

from typing import Any

import polars as pl

from data.errors import UserError
from data.store import TABLES, Store, ask
from evals.judge.agreement import quality_of
from evals.judge.prompt import Question, prompt_of_pair
from evals.judge.reply import preference_of
from evals.judge.rubric import Rubric
from evals.judge.verdicts import Reply, by_hash, texts_of
from evals.scores import common_problems, problems_by_run
from evals.statistics import mean_of_clusters

SWAPPED = {"a": "b", "b": "a", "tie": "tie", None: None}


def pairs_of(
    store: Store, names: tuple[str, str], limit: int | None = None
) -> tuple[pl.DataFrame, int]:
    """problem_id, sample, generation_a, generation_b of the problems that both runs answered.

    names: of runs with one stage, or RUN/STAGE   limit: pairs at most, a choice that stays the same

    Also how many ids name different problems in the two, which are left out.
    """
    sides = [_generations(store, name) for name in names]
    common, different = common_problems(names, sides, problems_by_run(store, names))
    both = (
        sides[0]
        .join(sides[1], on=["problem_id", "sample"], suffix="_b")
        .filter(pl.col("problem_id").is_in(sorted(set(common))))
    )
    pairs = both.select(
        "problem_id", "sample", generation_a="generation_id", generation_b="generation_id_b"
    ).sort("problem_id", "sample")
    if limit is not None and pairs.height > limit:
        chosen = by_hash(pairs["generation_a"]).head(limit)
        pairs = pairs.filter(pl.col("generation_a").is_in(chosen.to_list()))
    return pairs, len(different)


def _generations(store: Store, name: str) -> pl.DataFrame:
    run, _, stage = name.partition("/")
    rows = ask(
        store,
        """
        select distinct on (problem_id, sample) generation_id, problem_id, sample from generations
        where run = $run and ($stage = '' or stage = $stage)
        order by problem_id, sample, generation_id
        """,
        run=run,
        stage=stage,
    )
    if rows.is_empty():
        raise UserError(f"the store has no generations of {name!r}. Name an evaluation or import.")
    return rows


def questions_of_pairs(
    store: Store, rubric: Rubric, pairs: pl.DataFrame
) -> list[tuple[Question, Question] | None]:
    """What is asked about each pair: a first, then b first; None where a text is too long."""
    ids = [*pairs["generation_a"], *pairs["generation_b"]]
    rows = ask(
        store,
        """
        select distinct on (generation_id) generation_id, text,
            coalesce(question, '') as question, coalesce(gold, '') as gold
        from answered_generations where generation_id in (select unnest($ids))
        """,
        ids=ids,
    )
    by_id = {row["generation_id"]: row for row in rows.to_dicts()}
    questions = []
    for a, b in pairs.select("generation_a", "generation_b").iter_rows():
        first, second = by_id[a], by_id[b]
        if max(len(first["text"]), len(second["text"])) > rubric.longest:
            questions.append(None)
            continue
        texts, _ = texts_of(first["text"], first["question"], first["gold"])
        swapped = texts | {"completion": second["text"]}
        questions.append(
            (
                prompt_of_pair(rubric, texts, second["text"]),
                prompt_of_pair(rubric, swapped, first["text"]),
            )
        )
    return questions


def pair_rows(
    rubric: Rubric,
    pairs: pl.DataFrame,
    questions: list[tuple[Question, Question] | None],
    replies: dict[str, Reply],
) -> pl.DataFrame:
    """The rows of `judge_pairs`, without those of which a request is to be sent again."""
    rows: list[dict[str, Any]] = []
    for pair, both in zip(pairs.iter_rows(named=True), questions, strict=True):
        requests = [one.request(rubric) for one in both] if both else ["", ""]
        if both and any(request not in replies for request in requests):
            continue
        preferred: list[str | None] = [None, None]
        if both:
            answers = [replies[request] for request in requests]
            preferred = [
                preference_of(reply.text, question.mark, reply.finish)
                for question, reply in zip(both, answers, strict=True)
            ]
        forward, backward = preferred[0], SWAPPED[preferred[1]]
        row = {name: pair[name] for name in ("problem_id", "generation_a", "generation_b")}
        row |= {"grader": rubric.grader, "grader_version": rubric.version, "run": ""}
        row |= {"forward": requests[0], "backward": requests[1]}
        row |= {"prefers_forward": forward, "prefers_backward": backward}
        rows.append(row | {"winner": winner_of(forward, backward)})
    return pl.DataFrame(rows, schema=TABLES["judge_pairs"]).drop("run")


def winner_of(forward: str | None, backward: str | None) -> str | None:
    """a or b where both orders prefer it, else tie; None where an order is unknown."""
    if forward is None or backward is None:
        return None
    return forward if forward == backward else "tie"


def result_of_pairs(
    store: Store, rubric: Rubric, run: str, names: tuple[str, str]
) -> dict[str, Any]:
    """The object of `thinkbench judge pairs`.

    win_rate: of b, where a tie and an unknown pair count a half; the mean over problems
    orders_agree: the share of pairs whose two orders say the same, where both say something
    """
    rows = ask(
        store,
        """
        select distinct on (generation_a, generation_b) * from judge_pairs
        where run = $run order by generation_a, generation_b
        """,
        run=run,
    )
    n = rows.height
    counts = {name: rows.filter(winner=name).height for name in ("a", "b", "tie")}
    value = pl.col("winner").replace_strict({"a": 0.0, "b": 1.0}, default=0.5)
    rates = rows.group_by("problem_id").agg(value.mean().alias("rate"))["rate"].to_numpy()
    readable = rows.drop_nulls(["prefers_forward", "prefers_backward"])
    same = readable.filter(pl.col("prefers_forward") == pl.col("prefers_backward")).height
    return {
        "run": run,
        "grader": rubric.grader,
        "version": rubric.version,
        "a": names[0],
        "b": names[1],
        "pairs": n,
        "wins_a": counts["a"],
        "wins_b": counts["b"],
        "ties": counts["tie"],
        "unknown": n - sum(counts.values()),
        "win_rate": mean_of_clusters(rates).to_json(),
        "orders_agree": same / readable.height if readable.height else None,
        "judge": quality_of(store, rubric.grader),
    }
