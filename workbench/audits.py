"""What `thinkbench audit` answers: counts, two conversions compared, tokens, files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from data import audit, audit_diff, audit_export
from data.store import Store
from workbench import printed
from workbench.bars import bars
from workbench.words import interval

Answer = tuple[dict[str, Any], Callable[[dict[str, Any]], None]]
SHOWN = 20  # changed rows that are printed; --json has all


def summary(store: Store, source: str, model: str | None, export: Path | None) -> Answer:
    """The newest conversion; with `model` what its trainer sees, with `export` files too."""
    value = audit.summary(store, source)
    if export is not None:
        value["export"] = audit_export.export(store, source, export)["files"]
    if model is not None:
        value |= _seen(store, source, value["converter"], model)
    return value, _show_summary


def _seen(store: Store, source: str, converter: str, model: str) -> dict[str, Any]:
    from workbench.quiet import quiet
    from workbench.stores import start

    quiet()
    from pipeline import inputs, models, seen  # loads jax, so only here
    from pipeline.tokens import Tokenizer

    folder = models.checked(start(store, model).model)
    examples = inputs.examples_of(store, source, converter)
    with bars() as bar:
        found = seen.frame(Tokenizer(folder), examples, bar("tokens"))
    return {
        "examples": found.height,
        "wrong_masks": int((~found["mask_is_exact"]).sum()),
        "tokens": seen.lengths(found),
        "survival": seen.survival(found),
    }


def _show_summary(value: dict[str, Any]) -> None:
    plain = {
        name: item for name, item in value.items() if name not in ("tokens", "survival", "export")
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
                "Examples whose </answer> is within a budget of tokens (95 % intervals)",
                ["budget", "share"],
                [[f"{point['budget']:,}", interval(point)] for point in value["survival"]],
            ),
        )
    printed.show(*(f"Wrote {file}" for file in value.get("export", ())))


def diff(store: Store, source: str, first: str, second: str) -> Answer:
    """Which rows two conversions differ in."""
    return audit_diff.summary(store, source, first, second), _show_diff


def _show_diff(value: dict[str, Any]) -> None:
    rows = [
        [f"{row['row_number']:,}", row["change"], row["first_reason"] or "-",
         row["second_reason"] or "-"]
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
            "Rows", ["row", "change", "reason by the first", "reason by the second"], rows, True
        ),
        *([f"and {more:,} more: --json has all"] if more else []),
    )
