"""What is said beside every number of a judge: how good it is, or that nobody knows."""

from typing import Any

from workbench.formatting.numbers import interval


def judge_note(quality: dict[str, Any]) -> str:
    """quality: as evals.judge.quality_of gives it"""
    grader, n = quality["grader"], quality["n"]
    if not quality["validated"]:
        return (
            f"{grader} is not validated: {n:,} of its verdicts can be compared with a person's or"
            f" an imported label; {quality['needed']} are needed. Label some: thinkbench judge"
            f" label {grader.partition(':')[2]}"
        )
    return (
        f"{grader} against {n:,} labels: agreement {interval(quality['agreement'])},"
        f" kappa {kappa_text(quality['kappa'])}, precision {interval(quality['precision'])},"
        f" recall {interval(quality['recall'])}."
    )


def kappa_text(value: dict[str, Any]) -> str:
    if value["value"] is None:
        return "-"
    return f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"
