"""What `thinkbench audit` answers: counts, two conversions compared, tokens, files."""

from pathlib import Path
from typing import Any

from data.audit import diff as audit_diff, export as audit_export, queries
from data.store import Store
from evals import token_budget
from workbench.cli import Answer, bars
from workbench.cli.output import tables
from workbench.formatting import interval

SHOWN = 20  # changed rows that are printed; --json has all


def overview(store: Store) -> Answer:
    """Every source's newest conversion, and where each defect is."""
    value = {
        "sources": queries.sources(store),
        "defects": queries.defects_by_source(store).to_dicts(),
    }
    return value, _show_overview


def _show_overview(value: dict[str, Any]) -> None:
    counts = ("read", "converted", "quarantined", "held_back", "released", "to_train_on")
    tables.show(
        tables.table(
            "Newest conversions",
            ["source", *(name.replace("_", " ") for name in counts), "converter"],
            [
                [one["source"], *(f"{one[name]:,}" for name in counts), one["converter"]]
                for one in value["sources"]
            ],
        ),
        tables.table(
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
    value = queries.summary(store, source)
    if export is not None:
        value["export"] = audit_export.export(store, source, export)["files"]
    if model is not None:
        value |= _seen(store, source, value["converter"], model, budget)
    return value, _show_summary


def _seen(
    store: Store, source: str, converter: str, model: str, budget: int | None
) -> dict[str, Any]:
    from workbench.cli.quiet import quiet
    from workbench.lookup import starting_model

    quiet()
    from pipeline.evaluate import count_tokens  # loads jax, so only here
    from pipeline.job import examples_of
    from pipeline.model import model_folder

    folder = model_folder(starting_model(store, model).model)
    examples = examples_of(store, source, converter)
    with bars() as bar:
        tokenizer = count_tokens(store, source, converter, examples, model, folder, bar("tokens"))
    found = token_budget.counted(store, source, converter, tokenizer)
    value = {
        "tokenizer": tokenizer,
        "examples": found.height,
        "wrong_masks": int((~found["mask_is_exact"]).sum()),
        "tokens": token_budget.lengths(found),
        "survival": token_budget.survival(found, (budget,) if budget else token_budget.BUDGETS),
    }
    if budget:
        value["lost"] = token_budget.lost(found, budget).to_dicts()
    return value


def _show_summary(value: dict[str, Any]) -> None:
    plain = {
        name: item
        for name, item in value.items()
        if name not in ("tokens", "survival", "lost", "export")
    }
    tables.counts(f"Conversion of {value['source']}")(plain)
    if "tokens" in value:
        tables.show(
            tables.table(
                "Tokens of an example",
                ["part", "median", "90 %", "99 %", "longest"],
                [
                    [name, *(tables.count(row[at]) for at in ("p50", "p90", "p99", "longest"))]
                    for name, row in value["tokens"].items()
                ],
            ),
            tables.table(
                "Examples that a budget of tokens holds whole (95 % intervals)",
                ["budget", "share"],
                [[f"{point['budget']:,}", interval(point)] for point in value["survival"]],
            ),
        )
    if lost := value.get("lost"):
        tables.show(
            tables.table(
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
    tables.show(*(f"Wrote {file}" for file in value.get("export", ())))


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
    tables.show(
        tables.table(
            f"{value['source']}: {value['changed']:,} rows differ between"
            f" {value['first']} and {value['second']}",
            ["change", "rows"],
            [[name, f"{count:,}"] for name, count in value["by_change"].items()],
        ),
        tables.table(
            "Rows",
            ["row", "of", "change", "reason by the first", "reason by the second"],
            rows,
            words=True,
        ),
        *([f"and {more:,} more: --json has all"] if more else []),
    )
