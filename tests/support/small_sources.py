"""Two small sources: records with repeats, and sums of both splits."""

from pathlib import Path

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import Store, add, ask
from tests.support.files import jsonl
from tests.support.store_rows import rows_of

RIGHT = "<reasoning>{}</reasoning>\n<answer>{}</answer>"


def with_sums(store: Store, folder: Path) -> Store:
    """Ingest and convert the source `sums`: four problems of each split, of answers 1 to 4."""
    (folder / "sums").mkdir()
    for split in ("train", "test"):
        sums = [{"question": f"{split} {n} + 1?", "answer": f"so\n#### {n + 1}"} for n in range(4)]
        jsonl(folder / "sums" / f"{split}.jsonl", sums)
    ingest(store, "sums", folder / "sums", "gsm8k")
    convert_source(store, "sums")
    return store


def with_records(store: Store, folder: Path, rows: list[dict[str, str]]) -> Store:
    """Ingest and convert these rows of prompt and completion as the source `mine`."""
    ingest(store, "mine", jsonl(folder / "rows.jsonl", rows), "completion")
    convert_source(store, "mine")
    return store


def problem_ids(store: Store, split: str = "train") -> list[str]:
    query = "select problem_id from problems where split = $split order by question"
    return ask(store, query, split=split)["problem_id"].to_list()


def run_of(store: Store, run: str, kind: str) -> None:
    runs.begin(store, kind, run=run, config={}, seed=0, inputs={})
    runs.end(store, run, "done", {})


def rolled_out(store: Store, texts: dict[str, list[str]], run: str = "mine-grpo") -> None:
    """Store these texts of each problem as the rollouts of a finished GRPO run."""
    rows = [(problem, i, text) for problem, saved in texts.items() for i, text in
            enumerate(saved)]  # fmt: skip
    frame = rows_of(
        "rollouts",
        step=[0] * len(rows),
        group=[sorted(texts).index(row[0]) for row in rows],
        sample=[row[1] for row in rows],
        problem_id=[row[0] for row in rows],
        text=[row[2] for row in rows],
        tokens=[len(row[2]) for row in rows],
        finish=["stop"] * len(rows),
        reward=[0.0] * len(rows),
        advantage=[0.0] * len(rows),
    )
    add(store, "rollouts", frame, run=run)
    run_of(store, run, "grpo")
