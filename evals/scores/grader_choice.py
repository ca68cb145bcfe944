"""The graders that fit a file of generations, and the grader that fits stored runs.

`strict` demands this project's format, so it fits an import only where the texts have that. `math`
fits where a reference answer is no plain number; `lenient` fits any text.
"""

import json
from collections.abc import Iterable, Sequence

from data.store import ANSWERS, IMPORT, Store, ask
from evals.graders import DEFAULT_GRADER, GRADERS, extract, gold_numbers
from evals.scores.stored_grader import grader_in

FORMATTED_SHARE = 0.5  # of the texts of a file in the format, from which `strict` fits it
UNFIT = 10  # rank of a grader that does not fit an import, but has graded it


def fitting_graders(texts: Iterable[str], golds: Iterable[str]) -> tuple[str, ...]:
    """The graders that fit an import, the best first."""
    formatted = [extract.well_formed(text) is not None for text in texts]
    is_formatted = sum(formatted) >= FORMATTED_SHARE * len(formatted)
    is_symbolic = any(gold.strip() and gold_numbers(gold) is None for gold in set(golds))
    return ("strict",) * is_formatted + ("math",) * is_symbolic + ("lenient",)


def import_graders(fitting: Sequence[str]) -> tuple[str, ...]:
    """The graders of an import: those that fit, and the default, which pages show unless told."""
    return tuple(dict.fromkeys((*fitting, DEFAULT_GRADER)))


def default_grader(store: Store, names: Sequence[str]) -> str:
    """The grader by which runs (RUN or RUN/STAGE) are shown where none is named.

    It has graded all of them, and fits the imports among them best. Where no grader has graded all,
    it is DEFAULT_GRADER, so that the error of the question says what to do.
    """
    run_ids = sorted({name.partition("/")[0] for name in names})
    ranks = {run: _ranks(kind, config) for run, kind, config in _configs(store, run_ids)}
    graded = _graded_by(store, run_ids)
    common = [name for name in GRADERS if run_ids and all(name in graded[run] for run in run_ids)]

    def rank(grader: str) -> tuple[int, int]:
        total = sum(ranks.get(run, {}).get(grader, UNFIT) for run in run_ids)
        return total, list(GRADERS).index(grader)

    return min(common, key=rank, default=DEFAULT_GRADER)


def ungraded_runs(store: Store, grader: str) -> list[str]:
    """Evaluations and imports without a score by the current version of `grader`, by name."""
    rows = ask(
        store,
        """
        select run from runs where list_contains($kinds, kind) and event = 'done'
        except
        select run from scores where grader = $grader and grader_version = $version
        order by run
        """,
        grader=grader,
        version=grader_in(store, grader).version,
        kinds=ANSWERS,
    )
    return rows["run"].to_list()


def _configs(store: Store, run_ids: list[str]) -> list[tuple[str, str, str]]:
    query = "select run, kind, config::varchar from runs where run in (select unnest($runs))"
    return ask(store, query, runs=run_ids).rows()


def _ranks(kind: str, config: str) -> dict[str, int]:
    """Grader -> its rank for a run, 0 for the best; one that is not named does not fit."""
    if kind != IMPORT:
        return {name: int(name != DEFAULT_GRADER) for name in GRADERS}
    settings = json.loads(config)
    # imports of older versions were graded by one grader
    names = settings.get("graders") or [settings.get("grader")]
    return {name: rank for rank, name in enumerate(names)}


def _graded_by(store: Store, run_ids: list[str]) -> dict[str, set[str]]:
    """Run -> the graders that graded it in their current version."""
    rows = ask(
        store,
        """
        select distinct run, grader from scores
        where run in (select unnest($runs)) and list_contains($current, grader || ' '
            || grader_version)
        """,
        runs=run_ids,
        current=[f"{rule.name} {rule.version}" for rule in GRADERS.values()],
    )
    graded: dict[str, set[str]] = {run: set() for run in run_ids}
    for run, grader in rows.iter_rows():
        graded[run].add(grader)
    return graded
