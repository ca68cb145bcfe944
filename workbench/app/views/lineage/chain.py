"""A lineage as one line a step: its kind, its name, when it ran, and what it was made from.

Texts are shortened and made harmless here, and escaped in `drawn`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any
from urllib.parse import urlencode

from data.lineage import UNKNOWN, Step
from workbench.app.components import plain

SHORT = 12  # digits of an id
LONGEST = 160  # characters of what a step was made from
SPINE = "border-left: 2px solid rgba(128, 128, 128, 0.5)"
ROW = "display: flex; gap: 0.8rem; align-items: baseline; padding: 0.2rem 0 0.2rem 0.9rem"
BESIDE = f"{ROW}; margin-left: 1.6rem; border-left: 2px dotted rgba(128, 128, 128, 0.5)"
LINK = "color: inherit; text-decoration-thickness: 1px; text-underline-offset: 3px"
NUMBER = "flex: 0 0 1.2rem; opacity: 0.6; font-size: 0.85em; text-align: right"
KIND = "flex: 0 0 7.5rem; opacity: 0.75"
CUT = "overflow: hidden; text-overflow: ellipsis; white-space: nowrap"
NAME = f"flex: 0 1 auto; max-width: 55%; font-weight: 600; {CUT}"
FROM = f"flex: 1 1 0; opacity: 0.85; {CUT}"
WHEN = "flex: 0 0 auto; opacity: 0.75; font-size: 0.85em; white-space: nowrap"


@dataclass(frozen=True)
class Line:
    """One step of a chain.

    link:   to the page that shows it; "" if none does
    beside: whether it is an input of the step above, not its predecessor
    """

    kind: str
    name: str
    when: str
    made_from: str
    link: str
    beside: bool
    facts: dict[str, Any] = field(default_factory=dict)


def lines(steps: Sequence[Step]) -> list[Line]:
    """A line for each step of data/lineage, and one more for each checkpoint and for records."""
    chain: list[Line] = []
    for step in steps:
        if step.kind == "training" and (best := step.facts.get("checkpoint")):
            chain.append(_checkpoint(step.title, best))
        if step.kind == "conversion" and "records" in step.facts:
            chain.append(_records(step))
        chain.append(_LINES.get(step.kind, _other)(step))
    return _of_record(chain, steps[0]) if steps and steps[0].kind == "record" else chain


def _of_record(chain: list[Line], record: Step) -> list[Line]:
    """The steps after a record form one line of descent; a conversion links to its own row."""
    of = {"source": record.facts["source"], "record": record.title}
    return [
        replace(
            line,
            beside=False,
            link=_to("audit", **of, converter=line.name)
            if line.kind == "conversion"
            else line.link,
        )
        for line in chain
    ]


def drawn(chain: Sequence[Line]) -> str:
    """HTML of a chain; every text is escaped."""
    return "".join(_drawn(number, line) for number, line in enumerate(chain, 1))


def _drawn(number: int, line: Line) -> str:
    name, kind, came = escape(line.name), escape(line.kind), escape(line.made_from, quote=True)
    if line.link:
        name = f'<a href="{escape(line.link, quote=True)}" style="{LINK}">{name}</a>'
    return (
        f'<div style="{SPINE}"><div style="{BESIDE if line.beside else ROW}">'
        f'<span style="{NUMBER}">{number}</span><span style="{KIND}">{kind}</span>'
        f'<span style="{NAME}">{name}</span><span style="{FROM}" title="{came}">{came}</span>'
        f'<span style="{WHEN}">{escape(line.when)}</span></div></div>'
    )


def _line(
    step: Step, name: str, made_from: str, link: str = "", when: Any = "", beside: bool = False
) -> Line:
    words = plain(" ".join(made_from.split())[: LONGEST + 1])
    came = f"{words[:LONGEST]} …" if len(words) > LONGEST else words
    moment = str(when or "").replace("T", " ")[:16]
    return Line(step.kind, plain(name[:100]), moment, came, link, beside, step.facts)


def _generation(step: Step) -> Line:
    fact = step.facts
    tokens = UNKNOWN if fact["tokens"] is None else f"{fact['tokens']:,}"
    came = f"sample {fact['sample']} of stage {fact['stage']} for the problem below"
    link = _to("failures", generation=step.title)
    return _line(step, _short(step.title), f"{came}; {tokens} tokens", link)


def _problem(step: Step) -> Line:
    fact = step.facts
    if "record_id" not in fact:
        return _line(step, _short(step.title), "its question is unknown", beside=True)
    where = (
        f"row {fact['row']} of {fact['origin']}" if fact["origin"] else "not a record of this store"
    )
    link = ""
    if fact["origin"]:
        link = _to("audit", source=fact["source"], record=fact["record_id"])
    return _line(step, _short(step.title), f"{where}: {fact['question']}", link, beside=True)


def _evaluation(step: Step) -> Line:
    fact = step.facts
    came = f"the checkpoint below, seed {fact.get('seed', UNKNOWN)}"
    if "model" in fact:
        came = f"the model {fact['model']}"
    link = _to("failures", run=step.title)
    return _line(step, step.title, f"with {came}", link, fact.get("ended"))


def _checkpoint(run: str, best: dict[str, Any]) -> Line:
    accuracy = best["metric"]
    heldout = ""
    if accuracy is not None:
        heldout = f": {accuracy:.1%} correct of {best['metric_n']:,} held-out problems"
    step = Step("checkpoint", f"step {best['step']:,}", best)
    return _line(step, step.title, f"best checkpoint of {run}{heldout}")


def _training(step: Step) -> Line:
    fact = step.facts
    read = fact.get("inputs") or {}
    model = _short(str(read.get("model", UNKNOWN)))
    link = _to("rollouts", run=step.title) if fact.get("kind") == "grpo" else ""
    came = f"from the model {model} and the rows below, seed {fact.get('seed', UNKNOWN)}"
    return _line(step, step.title, came, link, fact.get("ended"))


def _pairs(step: Step) -> Line:
    fact = step.facts
    came = f"of {fact['problems']:,} problems; both answers of each by {fact['answers of']}"
    return _line(step, step.title, came, beside=True)


def _subset(step: Step) -> Line:
    fact = step.facts
    if "state" in fact:
        return _line(step, step.title, str(fact["state"]), beside=True)
    link = _to("curate", part="Versions", first=step.title)
    chosen = f", chosen by {fact['filter']}" if "filter" in fact else ""
    came = f"{fact['n']:,} rows{chosen}"
    return _line(step, step.title, came, link, fact.get("at"), beside=True)


def _records(step: Step) -> Line:
    fact = step.facts
    came = f"{fact['converted']:,} became examples, {fact['quarantined']:,} were quarantined"
    of = Step("records", f"{fact['records']:,} of {step.title}", {})
    return _line(of, of.title, came, _to("audit", source=step.title), beside=True)


def _conversion(step: Step) -> Line:
    fact = step.facts
    if "records" not in fact:  # of one record: its title is the converter
        reason = f": {fact['reason']}" if fact["reason"] else ""
        return _line(step, step.title, f"outcome: {fact['outcome']}{reason}", beside=True)
    rules = fact["repairs"]
    came = "repairs: " + (", ".join(rules) if isinstance(rules, list) else str(rules))
    came += f"; converter {fact['converter']}" if "converter" in fact else ""
    converter = fact["version and rules"]
    link = _to("audit", source=step.title, converter=converter)
    return _line(step, converter, came, link, fact.get("at"), beside=True)


def _source(step: Step) -> Line:
    fact = step.facts
    if "origin" not in fact:
        return _line(step, step.title, str(fact.get("why", "")), beside=True)
    came = f"{', '.join(fact['origin'])}; revision {fact['revision']}; licence {fact['licence']}"
    link = _to("audit", source=step.title)
    return _line(step, step.title, came, link, fact.get("at"), beside=True)


def _record(step: Step) -> Line:
    fact = step.facts
    came = f"row {fact['row_number']} of {fact['origin']}, split {fact['split']}"
    link = _to("audit", source=fact["source"], record=step.title)
    return _line(step, _short(step.title), came, link)


def _other(step: Step) -> Line:
    return _line(step, step.title, "; ".join(f"{k} {v}" for k, v in step.facts.items()))


_LINES = {
    "generation": _generation,
    "problem": _problem,
    "evaluation": _evaluation,
    "training": _training,
    "pairs": _pairs,
    "subset": _subset,
    "conversion": _conversion,
    "source": _source,
    "record": _record,
}


def _to(page: str, **address: str) -> str:
    return f"{page}?{urlencode(address)}"


def _short(record_id: str) -> str:
    """The first digits of an id that is a hash."""
    first, *rest = record_id.split(":")  # a generation: its problem, its sample, its run
    is_hash = len(first) >= 32 and set(first) <= set("0123456789abcdef")
    return ":".join([f"{first[:SHORT]}…" if is_hash else first, *rest])
