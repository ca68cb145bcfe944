"""What `thinkbench preflight` prints: each step, each stage, and what would fit."""

from typing import Any

from workbench.cli.output.tables import GROUPS, show, table
from workbench.formatting import duration

GIB = 2**30
METHOD = {
    "compiled": "by the chip's compiler",
    "estimated": "estimated, right to about 20 %; --compile asks the chip's compiler",
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
            _gib(row["moved"]),
            *(_milliseconds(row[name]) for name in ("seconds", "likely_seconds")),
        ]
        for row in value["steps"]
    ]
    title = (
        f"{value['preset']['name']}: {value['chips']} x {value['chip']} of {_gib(value['memory'])}"
        f" GiB each, {METHOD[value['how']]}; GiB of one chip; moved: read and written by a call"
    )
    columns = ["step", "loss", "weights", "adapters", "optimizer", "cache", "temporaries", "peak",
               "fits", "TFLOP", "moved", "ms at peak", "ms likely"]  # fmt: skip
    shown: list[Any] = [table(title, columns, rows)]
    if value["stages"]:
        timed = [
            [one["stage"], *(_duration(one[name]) for name in ("seconds", "likely_seconds"))]
            for one in value["stages"]
        ]
        title = "Time of a run whose completions all have the maximum length"
        shown.append(table(title, ["stage", "at peak", "likely"], timed))
    reached = value["assumed"]
    shown.append(
        "At peak: by the maker's figures, a lower bound. Likely: assumes"
        f" {reached['operations_reached']:.0%} of the peak's operations and"
        f" {reached['bandwidth_reached']:.0%} of its bandwidth; without the time to compile, to"
        " load, for rewards and checkpoints."
    )
    if "completion_tokens" in value:
        shown += _lengths(value)
    shown += [_proposal(one) for one in value["proposals"]]
    shown.append("It fits." if value["fits"] else "It does not fit.")
    show(*shown)


def _lengths(value: dict[str, Any]) -> list[Any]:
    """The completions that SFT would learn from, beside the limits of what is generated later."""
    counted, preset = value["completion_tokens"], value["preset"]
    if not counted:
        model, source = preset["model"]["model"], preset["data"]["records"]
        return [
            "Completions that SFT learns from: not counted in this store; thinkbench audit"
            f" {source} --model {model} counts their tokens."
        ]
    rows = [[name, f"{number:,}"] for name, number in counted.items()]
    shown: list[Any] = [table(GROUPS["completion_tokens"], ["what", "tokens"], rows)]
    return [*shown, f"{value['disagreement']}."] if value["disagreement"] else shown


def _proposal(one: dict[str, Any]) -> str:
    if one["instead"]:
        return f"{one['step']} would fit as {one['instead']}, with about {_gib(one['peak'])} GiB"
    if not one["assignments"]:
        return f"{one['step']}: no smaller batch or length fits; shard the model over more chips."
    options = " ".join(f"--set {assignment}" for assignment in one["assignments"])
    return f"{one['step']} would fit, with about {_gib(one['peak'])} GiB: {options}"


def _gib(size: float) -> str:
    return f"{size / GIB:.2f}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.3g}"


def _duration(seconds: float | None) -> str:
    return "unknown" if seconds is None else duration(seconds)
