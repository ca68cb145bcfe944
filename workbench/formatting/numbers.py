"""Numbers as people read them: percent with its interval, differences, p values, judges."""

from typing import Any


def interval(value: dict[str, Any] | None) -> str:
    """`47.4 % (44.7 to 50.1)`, or `unknown`."""
    if value is None or value["value"] is None:
        return "unknown"
    return f"{value['value']:.1%} ({100 * value['low']:.1f} to {100 * value['high']:.1f})"


def change(row: dict[str, Any]) -> str:
    """`+3.4 points (+1.1 to +5.7)`, or `unknown`."""
    if row["difference"] is None:
        return "unknown"
    points = f"{100 * row['difference']:+.1f} points"
    if row["low"] is None:
        return points
    return f"{points} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})"


def unknown_verdicts(value: dict[str, Any] | None) -> str:
    """`12 (48.3 % if correct)`: how many count as not correct, and the value if they were correct.

    value: a share or a difference between two; 0 where every verdict is known
    """
    if value is None or not value.get("unknown"):
        return "0"
    if "lowest" not in value:
        return f"{value['unknown']:,} ({value['if_correct']:.1%} if correct)"
    low, high = (100 * value[name] for name in ("lowest", "highest"))
    return f"{value['unknown']:,} ({low:+.1f} to {high:+.1f} as they turn out)"


def points(value: float | None) -> str:
    """`3.4 points`, or a dash where there is none."""
    return "-" if value is None else f"{100 * value:.1f} points"


def p_value(p: float | None) -> str:
    """A p value to three decimals."""
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """`45 s`, `12 min` or `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(n: int, noun: str) -> str:
    """`1 generation`, `1,500 generations`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def judge_note(quality: dict[str, Any]) -> str:
    """How good a judge is, or that nobody knows. quality: as evals.judge.quality_of gives it"""
    grader, decided, unknown = quality["grader"], quality["decided"], quality["unknown"]
    problems = counted(quality["decided_problems"], "problem")
    if not quality["validated"]:
        more = f" --n {2 * max(quality['needed'], quality['n'])}" if quality["n"] else ""
        return (
            f"{grader} is not validated: {decided:,} of its verdicts, on {problems}, can be"
            f" compared with a person's or an imported label; {quality['needed']} on"
            f" {quality['needed_problems']} problems are needed"
            + (f"; labelled but unknown: {unknown:,}" if unknown else "")
            + f". Label {'more' if more else 'some'}: thinkbench judge label"
            f" {grader.partition(':')[2]}{more}"
        )
    return (
        f"{grader} against {quality['n']:,} labels on {counted(quality['problems'], 'problem')},"
        f" {unknown:,} of them without a verdict: agreement {interval(quality['agreement'])},"
        f" kappa {kappa_text(quality['kappa'])}, precision {interval(quality['precision'])},"
        f" recall {interval(quality['recall'])}."
    )


def kappa_text(value: dict[str, Any]) -> str:
    if value["value"] is None:
        return "-"
    return f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"
