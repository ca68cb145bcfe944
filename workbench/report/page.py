"""The page: sections from Jinja's templates with autoescape, so no text of a store is markup."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from workbench.formatting import change, duration, interval, p_value, unknown_verdicts
from workbench.report import charts
from workbench.report.excerpts import cut, shown

FOLDER = Path(__file__).with_name("templates")
SECTIONS = {
    "summary": "Summary",
    "data": "What was trained on",
    "results": "Results by stage",
    "transitions": "What changed, problem by problem",
    "failures": "Failures",
    "training": "Training",
    "reproduce": "Reproduction",
}
# the browser itself refuses scripts, requests and forms, whatever a text of the store holds
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " form-action 'none'"
)


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(FOLDER),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "interval": interval,
        "change": change,
        "p_value": p_value,
        "unknown_verdicts": unknown_verdicts,
        "duration": duration,
        "cut": cut,
        "shown": shown,
        "count": lambda value: "-" if value is None else f"{value:,}",
        "percent": lambda value: "-" if value is None else f"{value:.1%}",
        "short": charts.number,
    }
    environment.globals |= {"charts": charts, "titles": SECTIONS, "policy": POLICY}
    return environment


def style() -> Markup:
    return Markup((FOLDER / "style.css").read_text(encoding="utf-8"))


def section(name: str, contents: dict[str, Any]) -> Markup:
    """One section as HTML; its styles are in `style`."""
    template = _environment().get_template(f"{name}.html")
    return Markup(template.render(**contents))


def page(contents: dict[str, Any], names: tuple[str, ...] = tuple(SECTIONS)) -> str:
    """The whole document with these sections."""
    sections = {name: section(name, contents) for name in names}
    template = _environment().get_template("page.html")
    return template.render(**contents, sections=sections, style=style())


def fragment(contents: dict[str, Any], names: tuple[str, ...]) -> str:
    """Sections for the output of a notebook's cell, where styles must not leak to the page."""
    sections = Markup("").join(section(name, contents) for name in names)
    return Markup('<style>{}</style><div class="tb in-cell">{}</div>').format(style(), sections)
