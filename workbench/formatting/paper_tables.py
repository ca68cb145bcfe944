"""A comparison of two runs as one sentence, and as a table of Markdown or LaTeX for a paper."""

import re
from collections.abc import Sequence
from typing import Any

from workbench.formatting.numbers import change, counted, interval, p_value
from workbench.formatting.unsafe_characters import visible

FORMATS = ("markdown", "latex")
TITLES = ("Metric", "{a}", "{b}", "Difference", "p", "p (Holm)", "Fixed", "Regressed")
LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    sign: f"\\{sign}" for sign in "&%$#_{}"
}
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")


def comparison_sentence(result: dict[str, Any]) -> str:
    """`Accuracy +35.2 points (+30.2 to +40.0), p < 0.001: 197 of 500 problems fixed, 21 regressed.`

    result: of `evals.comparison.compare`; its p is of the exact McNemar test, without correction
    """
    row = result["metrics"].get("answer")
    if row is None or row["difference"] is None:
        return "Accuracy cannot be compared: no problem has a verdict in both runs."
    p = p_value(row["p"])
    chance = "" if row["p"] is None else f", p {p}" if p.startswith("<") else f", p = {p}"
    unclear = " The interval includes no change." if _includes_zero(row) else ""
    return (
        f"Accuracy {change(row)}{chance}: {row['fixed']:,} of"
        f" {counted(result['n'], 'shared problem')} fixed, {row['broken']:,} regressed.{unclear}"
    )


def _includes_zero(row: dict[str, Any]) -> bool:
    return row["low"] is not None and row["low"] <= 0 <= row["high"]


def paper_table(result: dict[str, Any], names: tuple[str, str], form: str) -> str:
    """The metrics of a comparison with 95 % intervals.

    names: of the two runs   form: markdown or latex
    """
    titles = [title.format(a=names[0], b=names[1]) for title in TITLES]
    rows = [
        [
            name,
            interval(row["a"]),
            interval(row["b"]),
            change(row),
            p_value(row["p"]),
            p_value(row["holm"]),
            f"{row['fixed']:,}",
            f"{row['broken']:,}",
        ]
        for name, row in result["metrics"].items()
    ]
    caption = (
        f"{counted(result['n'], 'shared problem')}, grader {result['grader']}; 95 % intervals; p of"
        " the exact McNemar test, and corrected by Holm for all that was compared."
    )
    lines = [[visible(cell) for cell in row] for row in (titles, *rows)]
    return (_markdown if form == "markdown" else _latex)(lines, caption)


def _markdown(lines: Sequence[Sequence[str]], caption: str) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(MARKDOWN.sub(r"\\\1", _one_line(cell)) for cell in cells) + " |"

    rule = "| " + " | ".join(["---", *["---:"] * (len(lines[0]) - 1)]) + " |"
    return "\n".join([line(lines[0]), rule, *map(line, lines[1:]), "", caption])


def _latex(lines: Sequence[Sequence[str]], caption: str) -> str:
    """A table of the package booktabs."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(_in_latex(_one_line(cell)) for cell in cells) + r" \\"

    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_in_latex(caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(lines[0]) - 1)}}}",
            r"\toprule",
            line(lines[0]),
            r"\midrule",
            *map(line, lines[1:]),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _in_latex(text: str) -> str:
    return "".join(LATEX.get(sign, sign) for sign in text)


def _one_line(text: str) -> str:
    return " ".join(text.split())
