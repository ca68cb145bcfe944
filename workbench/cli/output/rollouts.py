"""What commands about rollouts print: imported ones, learnability, replays."""

import math
from typing import Any

from workbench.cli.output.tables import count, show, table
from workbench.formatting import interval

LINES = 12  # rows of the table by step; neighbouring steps share one
SHORT = 80  # [characters] of a text in a table
RAN = "{file} ran in this process, with all your permissions."


def imported(value: dict[str, Any]) -> None:
    """The counts of an import, and what the log does not say."""
    counted = ("read", "imported", "rejected", "left_out", "steps", "groups", "discarded")
    plain = [["format", value["format"]], ["rollouts of", value["split"]]]
    plain += [[name.replace("_", " "), count(value[name])] for name in counted]
    plain += [
        ["covers", value["coverage"]["means"]],
        ["without a reference answer", count(value["without_gold"])],
        ["graded by", ", ".join(value["graders"])],
    ]
    fields = [
        [
            name,
            count(value["unknown"].get(name, 0)),
            count(value["recomputed"].get(name, 0)),
        ]
        for name in sorted(value["unknown"].keys() | value["recomputed"].keys())
    ]
    reasons = [[reason, count(n)] for reason, n in value["reasons"].items()]
    show(
        table(f"Imported {value['run']}", ["what", "value"], plain),
        *(
            [table("Not in the log", ["field", "rollouts", "of these computed here"], fields)]
            if fields
            else []
        ),
        *([table("Rejected", ["reason", "rows"], reasons)] if reasons else []),
    )


def learnability(value: dict[str, Any]) -> None:
    """The bands of all problems, then the chosen problems."""
    counted = ("problems", "groups", "rollouts", "unknown")
    plain = [["verdicts by", value["verdicts"]], *([name, count(value[name])] for name in counted)]
    plain += [
        ["pass rate, mean over problems", interval(value["pass_rate"])],
        ["zero-variance groups, mean over problems", interval(value["zero_variance"])],
    ]
    bands = [
        [band, count(round(share["value"] * share["n"])), interval(share), share["means"]]
        for band, share in value["bands"].items()
    ]
    columns = ["problem", "band", "steps", "first", "last", "all", "variance", "zero-variance",
               "first correct", "solved"]  # fmt: skip
    rows = [
        [
            row["problem_id"],
            row["band"],
            count(row["seen"]),
            _share(row["first"]),
            _share(row["last"]),
            f"{interval(row['pass_rate'])} of {row['pass_rate']['n']:,}",
            "-" if row["reward_variance"] is None else f"{row['reward_variance']:.3g}",
            _share(row["zero_variance"]),
            count(row["first_right"]),
            count(row["first_solved"]),
        ]
        for row in value["rows"]
    ]
    title = (
        f"{value['n']:,} problems, the first {len(rows):,}: steps that sampled it, share of correct"
        " rollouts in its first step, its last and all, variance of rewards in its groups, share of"
        " zero-variance groups, first steps with a correct rollout and with more than half correct"
    )
    show(
        table(f"{value['run']} (95 % intervals)", ["what", "value"], plain),
        table("Problems by band", ["band", "problems", "share", "means"], bands, words=True),
        *([table(title, columns, rows)] if rows else [title]),
        *([f"Written to {value['ids']}"] if value["ids"] else []),
    )


def _share(value: dict[str, Any]) -> str:
    """`37.5 % of 8`, or `unknown`."""
    return "unknown" if value["value"] is None else f"{value['value']:.1%} of {value['n']:,}"


def replayed(value: dict[str, Any]) -> None:
    """The changes in total, by part of the reward, and by step."""
    flips, groups = value["sign_flips"], value["groups"]
    reward, advantage = value["reward"], value["advantage"]
    plain = [
        ["rollouts", count(value["rollouts"])],
        ["excluded: their problem is not in the store", count(value["without_gold"])],
        ["excluded: without a reward, or alone in a group", count(value["left_out"])],
        ["of unknown correctness", count(value["unknown"])],
        ["stored advantages reproduced from stored rewards", count(value["reproduced"])],
        ["mean reward", f"{reward['before']:.4g} → {reward['after']:.4g}"],
        ["rewards that change", count(reward["changed"])],
        ["advantages that change", count(advantage["changed"])],
        ["mean change of an advantage", f"{advantage['mean_absolute_change']:.4g}"],
        ["advantages whose sign flips", count(flips["rollouts"])],
        [f"share, mean over {flips['n']:,} problems", interval(flips)],
        ["groups", count(groups["n"])],
        ["with signal", f"{groups['with_signal_before']:,} → {groups['with_signal_after']:,}"],
        ["groups that gain signal", count(groups["gained"])],
        ["groups that lose signal", count(groups["lost"])],
    ]
    parts = [
        [part["name"], *_part(part["before"]), *_part(part["after"])] for part in value["parts"]
    ]
    columns = ["part", "weight before", "mean", "n", "weight after", "mean", "n"]
    show(
        table(f"{value['run']} by {value['rewards']} (95 % intervals)", ["what", "value"], plain),
        table("Parts of the reward, unweighted", columns, parts),
        _steps(value["steps"]),
        *([RAN.format(file=value["rewards"])] if value["sha256"] else []),
        *(
            [f"Rollouts whose advantage flips its sign are in {value['flips']}"]
            if value["flips"]
            else []
        ),
    )


def _part(part: dict[str, Any] | None) -> list[str]:
    if part is None:
        return ["-", "-", "-"]
    mean = "unknown" if part["mean"] is None else f"{part['mean']:.4g}"
    return [f"{part['weight']:g}", mean, count(part["n"])]


def _steps(steps: list[dict[str, Any]]) -> Any:
    """At most LINES rows of neighbouring steps: counts are summed, means are over rollouts."""
    size = -(-len(steps) // LINES)
    counts = ("rollouts", "changed", "flips", "groups", "gained", "lost")
    rows = []
    for start in range(0, len(steps), size):
        part = steps[start : start + size]
        first, last = part[0]["step"], part[-1]["step"]
        sums = {name: sum(step[name] for step in part) for name in counts}
        means = [
            sum(step[side] * step["rollouts"] for step in part) / sums["rollouts"]
            for side in ("reward_before", "reward_after")
        ]
        rows.append(
            [
                f"{first}" if first == last else f"{first} to {last}",
                count(sums["rollouts"]),
                *(f"{mean:.4g}" for mean in means),
                *(count(sums[name]) for name in counts[1:]),
            ]
        )
    columns = ["steps", "rollouts", "reward before", "after", "rewards changed", "signs flipped",
               "groups", "gain signal", "lose signal"]  # fmt: skip
    return table("By step", columns, rows)


def finite(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with null where a reward part does not apply: JSON has no nan and no infinity."""
    return [{name: _finite(value) for name, value in row.items()} for row in rows]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def listed(value: dict[str, Any]) -> None:
    """Counts of the chosen rollouts, and the rows asked for."""
    show(_rows(f"{value['run']}: {_counts(value)}", value["rows"]), _verdicts_by(value))


def answered(value: dict[str, Any]) -> None:
    """A named question, how many rollouts are its answer, and some of them."""
    of = value["of"]["rollouts"]
    title = f"{value['run']}, {value['means']}: {_counts(value)}, of {of:,} rollouts"
    rows = value["rows"]
    shown = _drifts(title, rows) if value["question"] == "drift" else _rows(title, rows)
    show(shown, _verdicts_by(value))


def _counts(value: dict[str, Any]) -> str:
    names = ("rollouts", "groups", "steps", "problems")
    return ", ".join(f"{value[name]:,} {name}" for name in names)


def _verdicts_by(value: dict[str, Any]) -> str:
    return f"Verdicts by {value['grader']}."


def _rows(title: str, rows: list[dict[str, Any]]) -> Any:
    kinds = ["kind", "of it"] if rows and "kind" in rows[0] else []
    columns = [*kinds, "step", "group", "sample", "reward", "advantage", "verdict", "read",
               "reference", "tokens", "finish", "copies", "completion"]  # fmt: skip
    lines = [
        [
            *([row["kind"], count(row["of_kind"])] if kinds else []),
            count(row["step"]),
            count(row["group"]),
            count(row["sample"]),
            _number(row["reward"]),
            "discarded" if row["discarded"] else _number(row["advantage"]),
            row["verdict"],
            row["extracted"] or "-",
            row["gold"] or "unknown",
            count(row["tokens"]),
            row["finish"] or "unknown",
            count(row["copies"]),
            _short(row["text"]),
        ]
        for row in rows
    ]
    return table(title, columns, lines, words=True)


def _drifts(title: str, rows: list[dict[str, Any]]) -> Any:
    lines = [
        [
            _short(row["question"] or row["problem_id"]),
            *(
                f"step {part['step']:,}: {part['correct']:,} of {part['rollouts']:,}"
                for part in (row["early"], row["late"])
            ),
            f"{row['change']:+.0%}",
            _short(row["late"]["text"]),
        ]
        for row in rows
    ]
    return table(
        title, ["problem", "early", "late", "change", "late completion"], lines, words=True
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 1] + "…"


def facets(value: dict[str, Any]) -> None:
    """One table for each facet but the steps."""
    bands = {name for name, rows in value["facets"].items() if rows and "low" in rows[0]}
    parts = [
        table(
            name,
            ["from", "to", "rollouts"] if name in bands else ["value", "rollouts"],
            [
                [f"{row['low']:.4g}", f"{row['high']:.4g}", count(row["n"])]
                if name in bands
                else ["unknown" if row["value"] is None else str(row["value"]), count(row["n"])]
                for row in rows
            ],
        )
        for name, rows in value["facets"].items()
        if name != "step"
    ]
    show(f"{value['run']}: {_counts(value)}", *parts, _verdicts_by(value))


def guards(value: dict[str, Any]) -> None:
    """Whether and where a guard would have stopped the run, and each sign."""
    stops = value["stops_at"]
    verdict = "no guard would have stopped it" if stops is None else f"stopped at step {stops:,}"
    rows = [
        [sign["sign"], count(sign["first"]), count(sign["steps"]), _number(sign["value"]),
         _number(sign["limit"])]
        for sign in value["signs"]
    ]  # fmt: skip
    unknown = ", ".join(value["unknown"])
    show(
        f"{value['run']}, {value['steps']:,} steps: {verdict}. Metrics {value['metrics']}.",
        *(
            [table("Signs", ["sign", "first step", "steps", "value then", "limit"], rows)]
            if rows
            else []
        ),
        *([f"Unknown, as the run lacks their metrics: {unknown}"] if unknown else []),
    )
