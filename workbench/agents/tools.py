"""The tools: questions about a store, none of which changes it. Their docstrings are the help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from data.errors import UserError

MOST_ROWS = 1_000
MOST_SECONDS = 60.0  # of a query
Grader = Literal["strict", "lenient", "notebook", "math"]


@dataclass(frozen=True)
class Tools:
    """Each method is a tool. folder: of the store"""

    folder: Path

    def runs(self, kind: str | None = None, limit: int = 20) -> dict[str, Any]:
        """List runs, the newest first.

        kind: only these, as eval, import, sft, grpo, ingest; the result names all kinds there are.
        """
        from data.store import snapshot
        from workbench.lookup import existing_store, list_runs

        with snapshot(existing_store(self.folder)) as store:
            return list_runs(store, kind, limit=_within(limit, MOST_ROWS, "limit"))

    def run(self, run: str) -> dict[str, Any]:
        """Show what made a run, how it ended, and how many rows of which tables it has."""
        from data.store import snapshot
        from workbench.lookup import existing_store, show_run

        with snapshot(existing_store(self.folder)) as store:
            return show_run(store, run)

    def compare(
        self,
        run_a: str,
        run_b: str,
        grader: Grader | None = None,
        by: list[Literal["steps", "source", "split", "length", "gold"]] | None = None,
    ) -> dict[str, Any]:
        """Compare two runs on the problems that both answered: paired, with intervals.

        A run of several stages is named as RUN/STAGE. by: slices to break the result down by.
        """
        from data.store import snapshot
        from evals.comparison import compare
        from evals.scores import default_grader
        from workbench.lookup import existing_store

        with snapshot(existing_store(self.folder)) as store:
            rule = grader or default_grader(store, (run_a, run_b))
            return compare.compare(store, run_a, run_b, rule, by or ())

    def failures(
        self,
        run: str,
        category: str | None = None,
        grader: Grader | None = None,
        limit: int = 20,
    ) -> dict[str, Any]:
        """Count the failures of a run by category; with a category, list its generations.

        grader: whose correct answers have no errors; by default those of all but notebook.
        """
        from data.store import snapshot
        from evals.failures import counts
        from workbench.lookup import existing_store

        most = _within(limit, MOST_ROWS, "limit")
        with snapshot(existing_store(self.folder)) as store:
            _require_categories(store, run)
            if category is None:
                return counts.failure_counts(store, run, grader)
            return counts.list_failures(store, run, category, most, grader)

    def generations(
        self,
        run: str,
        verdict: Literal["any", "correct", "incorrect", "unknown"] = "any",
        grader: Grader | None = None,
        limit: int = 5,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Read a random sample of the answers of a run: question, reference answer, text, verdict.

        A stage is named as RUN/STAGE. seed: another one gives another sample.
        """
        from data.store import snapshot
        from workbench.agents.sample import sample_of_generations
        from workbench.lookup import existing_store

        most = _within(limit, 100, "limit")
        with snapshot(existing_store(self.folder)) as store:
            return sample_of_generations(store, run, verdict, grader, most, seed)

    def tables(self) -> dict[str, Any]:
        """List the tables and views that `sql` may read, with columns and types of tables."""
        from data.sql import columns_by_name

        return {"tables": columns_by_name()}

    def sql(self, query: str, limit: int = 100, seconds: float = 30.0) -> dict[str, Any]:
        """Answer one select of DuckDB over the tables and views that `tables` lists.

        It can change nothing, and open no file or network. `describe NAME` shows columns of a view.
        """
        from data.sql import answer_query
        from workbench.lookup import existing_store

        most = _within(limit, MOST_ROWS, "limit")
        existing_store(self.folder)
        return answer_query(
            self.folder, query, rows=most, seconds=_within(seconds, MOST_SECONDS, "seconds")
        )

    def all(self) -> list[Any]:
        """The tools, in the order in which they are listed."""
        return [self.runs, self.run, self.compare, self.failures, self.generations, self.tables,
                self.sql]  # fmt: skip


def _within(value: Any, most: Any, name: str) -> Any:
    if not 0 < value <= most:
        raise UserError(f"{name} is {value}; expected more than 0 and at most {most}.")
    return value


def _require_categories(store: Any, run: str) -> None:
    from data.store import ask
    from evals.failures import VERSION

    missing = ask(
        store,
        """
        select count(distinct generation_id) from generations where run = $run
            and generation_id not in (
                select generation_id from failures where run = $run and version = $version)
        """,
        run=run,
        version=VERSION,
    ).item()
    if missing:
        raise UserError(
            f"{missing:,} generations of {run!r} have no failure categories, and this tool only"
            f" reads. Have somebody run: thinkbench failures --run {run}"
        )
