"""What `thinkbench audit` answers: counts, two conversions compared, tokens, files."""

from pathlib import Path
from typing import Any

from data import audit, audit_diff, audit_export
from data.store import Store
from evals import survival
from workbench import printed
from workbench.bars import bars
from workbench.verbs import Answer
from workbench.words import interval

SHOWN = 20  # changed rows that are printed; --json has all


def overview(store: Store) -> Answer:
    """Every source's newest conversion, and where each defect is."""
    value = {
        "sources": audit.sources(store),
        "defects": audit.defects_by_source(store).to_dicts(),
    }
    return value, _show_overview


def _show_overview(value: dict[str, Any]) -> None:
    counts = ("read", "converted", "quarantined", "held_back", "released", "to_train_on")
    printed.show(
        printed.table(
            "Newest conversions",
            ["source", *(name.replace("_", " ") for name in counts), "converter"],
            [
                [one["source"], *(f"{one[name]:,}" for name in counts), one["converter"]]
                for one in value["sources"]
            ],
        ),
        printed.table(
            "Rows with a defect, by source",
            ["defect", "severity", "source", "rows", "of its rows"],
            [
                [row["phrase"], row["severity"], row["source"], f"{row['rows']:,}",
                 f"{row['share']:.1%}"]
                for row in value["defects"]
            ],
        ),
    )  # fmt: skip


def summary(
    store: Store, source: str, model: str | None, budget: int | None, export: Path | None
) -> Answer:
    """The newest conversion; with `model` what its trainer sees, with `export` files too.

    budget: of tokens, whose lost examples are named
    """
    value = audit.summary(store, source)
    if export is not None:
        value["export"] = audit_export.export(store, source, export)["files"]
    if model is not None:
        value |= _seen(store, source, value["converter"], model, budget)
    return value, _show_summary


def _seen(
    store: Store, source: str, converter: str, model: str, budget: int | None
) -> dict[str, Any]:
    from workbench.quiet import quiet
    from workbench.stores import start

    quiet()
    from pipeline import models, seen  # loads jax, so only here

    folder = models.checked(start(store, model).model)
    with bars() as bar:
        tokenizer = seen.count(store, source, converter, model, folder, bar("tokens"))
    found = survival.counted(store, source, converter, tokenizer)
    value = {
        "tokenizer": tokenizer,
        "examples": found.height,
        "wrong_masks": int((~found["mask_is_exact"]).sum()),
        "tokens": survival.lengths(found),
        "survival": survival.survival(found, (budget,) if budget else survival.BUDGETS),
    }
    if budget:
        value["lost"] = survival.lost(found, budget).to_dicts()
    return value


def _show_summary(value: dict[str, Any]) -> None:
    plain = {
        name: item
        for name, item in value.items()
        if name not in ("tokens", "survival", "lost", "export")
    }
    printed.counts(f"Conversion of {value['source']}")(plain)
    if "tokens" in value:
        printed.show(
            printed.table(
                "Tokens of an example",
                ["part", "median", "90 %", "99 %", "longest"],
                [
                    [name, *(printed.count(row[at]) for at in ("p50", "p90", "p99", "longest"))]
                    for name, row in value["tokens"].items()
                ],
            ),
            printed.table(
                "Examples that a budget of tokens holds whole (95 % intervals)",
                ["budget", "share"],
                [[f"{point['budget']:,}", interval(point)] for point in value["survival"]],
            ),
        )
    if lost := value.get("lost"):
        printed.show(
            printed.table(
                "Examples beyond the budget, longest first",
                ["row", "record", "tokens", "reasoning", "answer"],
                [
                    [f"{row['row_number']:,}", row["record_id"][:12],
                     *(f"{row[part]:,}" for part in ("answer_end", "reasoning", "answer"))]
                    for row in lost[:SHOWN]
                ],
            ),
            *([f"and {len(lost) - SHOWN:,} more: --json has all"] if len(lost) > SHOWN else []),
        )  # fmt: skip
    printed.show(*(f"Wrote {file}" for file in value.get("export", ())))


def diff(store: Store, source: str, first: str, second: str) -> Answer:
    """Which rows two conversions differ in."""
    return audit_diff.summary(store, source, first, second), _show_diff


def _show_diff(value: dict[str, Any]) -> None:
    rows = [
        [f"{row['row_number']:,}", row["origin"], row["change"],
         *(row[reason] or "-" for reason in ("first_reason", "second_reason"))]
        for row in value["rows"][:SHOWN]
    ]  # fmt: skip
    more = value["changed"] - len(rows)
    printed.show(
        printed.table(
            f"{value['source']}: {value['changed']:,} rows differ between"
            f" {value['first']} and {value['second']}",
            ["change", "rows"],
            [[name, f"{count:,}"] for name, count in value["by_change"].items()],
        ),
        printed.table(
            "Rows",
            ["row", "of", "change", "reason by the first", "reason by the second"],
            rows,
            words=True,
        ),
        *([f"and {more:,} more: --json has all"] if more else []),
    )
