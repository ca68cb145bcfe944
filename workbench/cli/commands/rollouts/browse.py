"""`rollouts list`, `ask`, `facets`, `guards`: the rollouts of a run, and what was wrong."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import GRADERS, Answer, bars, limit_option, verb, verb_group
from workbench.cli.output import rollouts

# as in evals/rollouts/questions.py, not loaded for --help
NAMES = ("rewarded-but-incorrect", "incorrect-with-positive-advantage", "correct-but-punished",
         "zero-variance-groups", "longest", "identical", "drift", "first-hacks")  # fmt: skip

group = verb_group("rollouts", "Browse the rollouts of a run, and ask what went wrong.")
run_option = click.option("--run", "run", required=True, help="of grpo, or of import-rollouts")
where_option = click.option(
    "--where", default="", metavar="FILTER", help="a filter, as 'reward >= 1 and step < 100'"
)
search_option = click.option(
    "--search", default="", metavar="TEXT", help="letters in the completion or its question"
)
grader_option = click.option(
    "--grader",
    type=click.Choice(GRADERS),
    help="whose verdicts count; by default strict, or for imports the one that fits them",
)


def _browse(folder: Path, run: str, grader: str | None, **fields: Any) -> tuple[Any, Any]:
    """The store, with verdicts and categories of the run, and what is chosen of it."""
    from evals.rollouts import Browse, categorise_rollouts, grade_rollouts, verdict_grader
    from workbench.lookup import existing_store

    store = existing_store(folder)
    chosen = Browse(run, grader or verdict_grader(store, run), **fields)
    with bars() as bar:
        grade_rollouts(store, run, chosen.grader, bar(f"grade {run}"))
        categorise_rollouts(store, run, bar(f"categories {run}"))
    return store, chosen


@run_option
@where_option
@search_option
@click.option("--sort", default="step", show_default=True, metavar="FIELD", help="order of rows")
@click.option("--descending", is_flag=True, help="the highest first")
@limit_option
@click.option("--offset", default=0, type=click.IntRange(0), help="rows to leave out first")
@grader_option
def list_(
    folder: Path,
    run: str,
    where: str,
    search: str,
    sort: str,
    descending: bool,
    limit: int,
    offset: int,
    grader: str | None,
) -> Answer:
    """List rollouts by a filter, a text, and an order.

    Fields of FILTER and --sort: step, group, attempt, sample, problem_id, reward, advantage, sign
    (positive, negative, zero), verdict (correct, incorrect, unknown), in_format, extracted, finish,
    tokens, chars, category, discarded, spread (of the group's rewards), group_reward, copies (of
    the same text), text, question, gold. docs/filters.md explains filters.
    """
    from evals.rollouts import rollout_counts, rollout_rows

    order = {"sort": sort, "descending": descending}
    store, chosen = _browse(folder, run, grader, where=where, search=search, **order)
    value = {
        "run": run,
        "grader": chosen.grader,
        "where": where,
        "search": search,
        **rollout_counts(store, chosen),
        "rows": rollouts.finite(rollout_rows(store, chosen, limit, offset).to_dicts()),
    }
    return value, rollouts.listed


@click.argument("question", type=click.Choice(NAMES))
@run_option
@where_option
@search_option
@click.option(
    "--rewarded",
    default=1.0,
    show_default=True,
    help="least reward that counts as rewarded (rewarded-but-incorrect)",
)
@limit_option
@grader_option
def ask(
    folder: Path,
    question: str,
    run: str,
    where: str,
    search: str,
    rewarded: float,
    limit: int,
    grader: str | None,
) -> Answer:
    """Ask a named question: what was rewarded and should not have been, and more."""
    from evals.rollouts import ask_about

    store, chosen = _browse(folder, run, grader, where=where, search=search)
    value = ask_about(store, question, chosen, limit, rewarded)
    return {**value, "rows": rollouts.finite(value["rows"])}, rollouts.answered


@run_option
@where_option
@search_option
@grader_option
def facets(folder: Path, run: str, where: str, search: str, grader: str | None) -> Answer:
    """Count rollouts by verdict, sign of the advantage, category, finish and more."""
    from evals.rollouts import facets as facets_of, rollout_counts

    store, chosen = _browse(folder, run, grader, where=where, search=search)
    counts = {"run": run, "grader": chosen.grader, **rollout_counts(store, chosen)}
    return {**counts, "facets": facets_of(store, chosen)}, rollouts.facets


@run_option
def guards(folder: Path, run: str) -> Answer:
    """Say at which step the guards would have stopped a run that is past.

    Of an imported run they watch what its rollouts say: rewards, lengths, answers, format. Signs of
    KL, entropy and held-out accuracy are unknown then.
    """
    from pipeline.train.guards import past_signs
    from workbench.cli import frozen_store

    with bars() as bar:
        value = past_signs(frozen_store(folder), run, bar(f"watch {run}"))
    return value, rollouts.guards


for command in (list_, ask, facets, guards):
    group.add_command(verb(command))
