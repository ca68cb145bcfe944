"""What the command line prints of a preflight: each step, each stage, and what would fit."""

from typing import Any

from workbench.printed import show, table
from workbench.words import duration

GIB = 2**30
SAID = {
    "compiled": "by the chip's compiler",
    "estimated": "by arithmetic, to about a fifth; --compile asks the chip's compiler",
}


def preflight(value: dict[str, Any]) -> None:
    """Bytes of each step by part against the chip's memory, then times, then proposals."""
    rows = [
        [
            row["step"],
            row["loss"] or "-",
            *(_gib(row["parts"].get(name, 0)) for name in ("weights", "adapters", "optimizer")),
            _gib(row["parts"].get("cache", 0)),
            "-" if row["temporaries"] is None else _gib(row["temporaries"]),
            _gib(row["peak"]),
            "yes" if row["fits"] else "no",
            f"{row['flops'] / 1e12:.3g}",
            "-" if row["seconds"] is None else f"{1000 * row['seconds']:.3g}",
        ]
        for row in value["steps"]
    ]
    title = (
        f"{value['preset']['name']}: {value['chips']} x {value['chip']} of {_gib(value['memory'])}"
        f" GiB each, {SAID[value['how']]}; memory of one chip in GiB"
    )
    columns = ["step", "loss", "weights", "adapters", "optimizer", "cache", "temporaries", "peak",
               "fits", "TFLOP", "ms at least"]  # fmt: skip
    shown = [table(title, columns, rows)]
    if value["stages"]:
        timed = [
            [one["stage"], "unknown" if one["seconds"] is None else duration(one["seconds"])]
            for one in value["stages"]
        ]
        shown.append(
            table(
                "At least so long: every matrix at the maker's peak, every completion as long as"
                " it may be; real runs reach a part of that peak",
                ["stage", "time"],
                timed,
            )
        )
    shown += [_proposal(one) for one in value["proposals"]]
    shown.append("It fits." if value["fits"] else "It does not fit.")
    show(*shown)


def _proposal(one: dict[str, Any]) -> str:
    if not one["assignments"]:
        return f"{one['step']}: no smaller batch or length fits; shard the model over more chips."
    options = " ".join(f"--set {assignment}" for assignment in one["assignments"])
    return f"{one['step']} would fit, with about {_gib(one['peak'])} GiB: {options}"


def _gib(size: int) -> str:
    return f"{size / GIB:.2f}"
