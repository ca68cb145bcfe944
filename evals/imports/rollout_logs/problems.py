"""The problems of a rollout log: the ids and reference answers that the store has of them.

A log has prompts, in which the question stands among instructions. What all questions of a log
begin or end with is left out when the store is asked for the question. Without a reference answer
in the log that of the store's problem counts, and is marked.
"""

from dataclasses import dataclass

import polars as pl

from data.store import Store, ask
from evals.imports import NO_LETTER, add_problems, ids_of_problems, problem_id_of
from evals.imports.rollout_logs.records import HELD_OUT
from evals.imports.rollout_logs.staging import StagedLog
from evals.scores import content_of_problem

FEWEST = 20  # questions from which shared words count as instructions
SHORTEST = 10  # [characters] of a question that remains without them
FROM_LOG, FROM_STORE = "log", "store"


@dataclass(frozen=True)
class LoggedProblem:
    """A problem whose reference answer is known. number: its position in the log"""

    number: int
    problem_id: str
    question: str
    gold: str


def problem_ids_of_log(store: Store, run: str, staged: StagedLog, split: str) -> pl.DataFrame:
    """number, problem_id, gold_from (log, store, or null: unknown) of the problems of a split.

    Adds the problems of the run; of held-out rollouts as those of a test split.
    """
    pages = [
        _of_batch(store, run, batch.filter(split=split), "test" if split == HELD_OUT else "train")
        for batch in _numbered(staged)
    ]
    return pl.concat(pages)


def _numbered(staged: StagedLog) -> list[pl.DataFrame]:
    pages, offset = [], 0
    for batch in staged.problem_batches():
        pages.append(batch.with_row_index("number", offset))
        offset += batch.height
    return pages


def _of_batch(store: Store, run: str, batch: pl.DataFrame, split: str) -> pl.DataFrame:
    questions = batch["question"].to_list()
    keys = list(zip(*map(_letters, _variants(questions)), strict=True))
    stored = _stored(store, {key for variants in keys for key in variants})
    problems: list[LoggedProblem] = []
    without: dict[str, tuple[str, str | None]] = {}
    rows: list[tuple[int, str, str | None]] = []
    columns = batch.select("number", "question", "gold").iter_rows()
    for (number, question, gold), variants in zip(columns, keys, strict=True):
        candidates = next((stored[key] for key in variants if key in stored), [])
        match = _match(candidates, gold)
        if match is not None:
            problems.append(LoggedProblem(number, problem_id_of(*match), *match))
        elif gold is not None:
            problems.append(LoggedProblem(number, problem_id_of(question, gold), question, gold))
        else:
            problem_id = problem_id_of(question, "")
            without[problem_id] = question, None
            rows.append((number, problem_id, None))
    ids = ids_of_problems(store, run, problems, split) if problems else {}
    golds = dict(batch.select("number", "gold").iter_rows())
    rows += [
        (
            problem.number,
            ids[problem.problem_id, problem.question, problem.gold],
            FROM_STORE if golds[problem.number] is None else FROM_LOG,
        )
        for problem in problems
    ]
    if without:
        add_problems(store, run, without, split)
    schema = {"number": pl.UInt32, "problem_id": pl.String, "gold_from": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _match(candidates: list[tuple[str, str]], gold: str | None) -> tuple[str, str] | None:
    """Question and reference answer of the store's problem, where it is the only one that fits.

    Its answer must be that of the log. Without one in the log, all candidates must agree.
    """
    if gold is not None:
        content = content_of_problem("", gold)
        candidates = [one for one in candidates if content_of_problem("", one[1]) == content]
    contents = {content_of_problem("", stored) for _, stored in candidates}
    return candidates[0] if len(contents) == 1 else None


def _letters(texts: list[str]) -> list[str]:
    """The letters and digits of each text."""
    return (
        pl.Series(texts, dtype=pl.String).str.normalize("NFC").str.replace_all(NO_LETTER, "")
    ).to_list()


def _stored(store: Store, letters: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Letters of a question -> question and reference answer of each problem of the store."""
    rows = ask(
        store,
        """
        select distinct letters, question, gold from (
            select
                regexp_replace(nfc_normalize(question), $no_letter, '', 'g') as letters,
                question, gold
            from problem_texts where gold is not null
        )
        where letters in (select unnest($letters::varchar[]))
        order by all
        """,
        letters=sorted(letters),
        no_letter=NO_LETTER,
    )
    matches: dict[str, list[tuple[str, str]]] = {}
    for key, question, gold in rows.iter_rows():
        matches.setdefault(key, []).append((question, gold))
    return matches


def _variants(questions: list[str]) -> list[list[str]]:
    """The questions; without the lines that all begin and end with; without such words."""
    distinct = set(questions)
    if len(distinct) < FEWEST:
        return [questions]
    start = _shared_start(distinct)
    end = _shared_start({question[::-1] for question in distinct})
    example = questions[0]
    lines_start = example.rfind("\n", 0, start) + 1
    line_of_end = example.find("\n", len(example) - end)
    lines_end = 0 if line_of_end < 0 else len(example) - line_of_end
    return [
        questions,
        [_cut(question, lines_start, lines_end) for question in questions],
        [_cut(question, start, end) for question in questions],
    ]


def _cut(question: str, start: int, end: int) -> str:
    """The question without characters at both ends; the whole, where little would remain."""
    short = question[start : len(question) - end]
    return short if len(short) >= SHORTEST else question


def _shared_start(texts: set[str]) -> int:
    """The number of characters with which all texts begin."""
    first, last = min(texts), max(texts)  # all others begin with what these two share
    differing = (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return next(differing, min(len(first), len(last)))
