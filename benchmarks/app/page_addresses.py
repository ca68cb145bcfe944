"""Typical addresses of each page over a store of benchmarks.app.big_store, each different."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

from data.store import annotations, ask, open_store

Address = dict[str, str]


@dataclass(frozen=True)
class Visits:
    """Addresses of one page, and an action before each of them is opened."""

    page: str
    addresses: list[Address]
    first: Callable[[], None] = lambda: None


def visits(folder: Path) -> dict[str, Visits]:
    """Name of a measurement -> the addresses to open."""
    store = open_store(folder)
    runs = ask(store, "select distinct run from scores order by run")["run"].to_list()
    one = ask(store, "select generation_id from scores order by run desc limit 12")
    generations = one["generation_id"].to_list()
    records = ask(store, "select record_id from records order by 1 limit 4")["record_id"].to_list()
    defects = ask(
        store,
        "select distinct unnest(defects).phrase as phrase from conversions order by 1 limit 5",
    )["phrase"].to_list()
    facets: list[Address] = [{"stage": stage} for stage in ("base", "sft", "grpo")]
    facets += [{"correct": "wrong", "category": name} for name in ("near miss", "degenerate loop")]
    facets += [{"correct": "right", "length": "256 to 511"}, {"finish": "length"}]
    facets += [{"run": run, "correct": "wrong"} for run in runs[:3]]
    facets += [{"stage": "grpo", "page": str(page)} for page in (2, 900)]
    pairs = list(pairwise(runs))
    looks: tuple[Address, ...] = ({"group": "broken"}, {"group": "broken", "show": "differences"})

    numbers = count()

    def tagged() -> None:
        number = next(numbers)
        generation = generations[number % len(generations)]
        annotations.tag(store, "generation", generation, f"odd {number}", "benchmark")

    return {
        "overview": Visits("overview", [{}, *({"runs": run} for run in runs[:10])]),
        "audit": Visits(
            "audit",
            [{}, *({"defect": one} for one in defects), *({"record": one} for one in records)],
        ),
        "failures": Visits("failures", [{}, *facets]),
        "failures, text": Visits(
            "failures",
            [
                {"stage": stage, "text": text}
                for text in ("moves it 17", "that 40 + 280 = 320 it")
                for stage in ("base", "sft", "grpo")
            ],
        ),
        "failures, one": Visits("failures", [{"generation": one} for one in generations]),
        "failures, after a tag": Visits(
            "failures", [{"generation": one} for one in generations], tagged
        ),
        "compare, new pairs": Visits("compare", [{"a": a, "b": b} for a, b in pairs[:10]]),
        "compare, the same pair": Visits(
            "compare", [{"a": a, "b": b, **more} for a, b in pairs[:5] for more in looks]
        ),
        "rollouts": Visits("rollouts", [{}, *({"step": str(n)} for n in range(40, 440, 40))]),
        "curate": Visits(
            "curate", [{}, *({"where": f"reasoning_chars < {n}"} for n in range(1_500, 1_900, 50))]
        ),
        "curate, problems": Visits(
            "curate",
            [{"of": "problems", "where": f"question_chars < {n}"} for n in range(50, 90, 5)],
        ),
        "lineage": Visits("lineage", [{"id": one} for one in generations]),
        "lineage of a defect": Visits("lineage", [{"defect": defect} for defect in defects]),
        "train": Visits("train", [{}, *({"verb": v} for v in ("sft", "grpo", "eval", "export"))]),
    }
