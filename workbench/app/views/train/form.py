"""The form of the Train page: a verb, what it starts from, and every knob of its sections."""

from dataclasses import Field, fields
from typing import Any

import streamlit as st

from pipeline.config import SECTIONS, BadConfig, Preset
from pipeline.presets import load_preset, preset_names
from workbench.app import state
from workbench.app.components import plain
from workbench.app.views.curate import subset_choice
from workbench.app.views.train import trials
from workbench.lookup import changed_preset, trained_runs, typed

VERBS = {
    "run": "the whole job: evaluate, cold start, GRPO, evaluate after each",
    "sft": "cold start: teach the format",
    "grpo": "strengthen the reasoning",
    "eval": "answer the test problems",
    "export": "write a model as a folder, and check it",
    "ab": "a subset beside random ones: is choosing better than luck?",
}
# verb -> the sections whose knobs it reads
READS = {
    "run": ("model", "data", "sft", "grpo", "eval"),
    "sft": ("model", "data", "sft"),
    "grpo": ("model", "data", "grpo", "eval"),
    "eval": ("model", "data", "eval"),
    "export": ("model", "data", "eval"),
    "ab": ("model", "data", "sft", "grpo", "eval"),
}
SUBSETS = {"run": ("subset", "problem_subset"), "sft": ("subset",), "grpo": ("problem_subset",)}
# Knobs that name a folder or a file: a link that somebody made must not choose what is read.
PLACES = ("model.model", "data.records_from", "data.problems_from", "data.conversion.dialects")
LONGEST = 400  # characters of a knob's text
LARGEST = 10**7  # of a whole number: more than any run has, and what preflight can reckon with
FROM = {"sft": "the preset's model", "grpo": "the newest cold start", "eval": "the preset's model",
        "export": "the newest run of GRPO"}  # fmt: skip


def form() -> tuple[list[str], Preset] | None:
    """The words of the command that the form describes, with its preset; None where it cannot be.

    Choices are kept in the address, so that a link restores the form, but for places of files.
    Nothing starts by a link.
    """
    left, middle, right = st.columns(3)
    verb = state.chosen(left.selectbox, "What", list(VERBS), "verb", format_func=_title)
    name = state.chosen(middle.selectbox, "Preset", preset_names(), "preset", default="tiny")
    seed = right.text_input("Seed", key=_kept("seed"), placeholder="the preset's",
                            on_change=_keep, args=("seed",), max_chars=9)  # fmt: skip
    words = [verb]
    if verb == "ab":
        trial = trials.words()
        if trial is None:
            return None
        words += trial
    words += ["--preset", name]
    if verb in FROM:
        words += _start(verb)
    preset = load_preset(name)
    given = {section: _knobs(section, getattr(preset, section)) for section in READS[verb]}
    given["data"] |= _subsets(verb)
    assignments = tuple(
        f"{section}.{knob}={value}"
        for section, knobs in given.items()
        for knob, value in knobs.items()
    )
    try:
        chosen = changed_preset(name, {}, assignments, _whole(seed))
        _within_reason(verb, chosen)
    except BadConfig as error:
        st.error("This cannot be started:")
        st.text(plain(str(error)))
        return None
    for assignment in assignments:
        words += ["--set", assignment]
    return ([*words, "--seed", seed] if seed else words), chosen


def _subsets(verb: str) -> dict[str, str]:
    """The subsets that are learned from, where any is chosen."""
    chosen = {}
    for knob in SUBSETS.get(verb, ()):
        of = "records" if knob == "subset" else "problems"
        known = subset_choice.of_kind(of)
        label = f"Subset of {of}"
        said = state.chosen(st.selectbox, label, ["", *known], f"data.{knob}", format_func=_all,
                              missing=f"all {of} are chosen")  # fmt: skip
        if said:
            chosen[knob] = said
    return chosen


def _all(label: str) -> str:
    return plain(label) or "all"


def _title(verb: str) -> str:
    return f"{verb}: {VERBS[verb]}"


def _start(verb: str) -> list[str]:
    """The option that names the model to go on from, where it is not the usual one."""
    runs = trained_runs(state.store())
    usual = FROM[verb]
    model = state.chosen(st.selectbox, "Model", [usual, *runs], "model", missing=None)
    state.say_missing("model", [*FROM.values(), *runs], "the usual model is")
    return [] if model == usual else ["--model", model]


def _knobs(section: str, values: Any) -> dict[str, str]:
    """The knobs of a section that differ from the preset's, as `--set` takes them.

    Their boxes are drawn in a fold, where it is open; what they say counts all the same.
    """
    known = {
        # subsets have boxes of their own
        f"{section}.{knob.name}": (knob, _text(getattr(values, knob.name)))
        for knob in fields(SECTIONS[section])
        if not knob.name.endswith("subset")
    }
    said = {name: _asked(name, *of) for name, of in known.items()}
    changed = {name: value for name, value in said.items() if value not in ("", known[name][1])}
    # its title never changes: the browser would draw it anew, and whoever types lose their place
    fold = state.folded(f"Knobs of {section}", f"knobs.{section}")
    if fold.open:
        places = list(known.items())
        for first in range(0, len(places), 3):
            row = fold.columns(3)
            for column, (name, of) in zip(row, places[first : first + 3], strict=False):
                with column:
                    _knob(name, *of)
    return {name.partition(".")[2]: value for name, value in changed.items()}


def _choices(knob: Field[Any], preset: str) -> list[str]:
    """What a knob may be, the preset's value first; empty where it may be anything."""
    known = ["true", "false"] if isinstance(knob.default, bool) else knob.metadata["choices"]
    return [preset, *(one for one in known if one != preset)] if known else []


def _asked(name: str, knob: Field[Any], preset: str) -> str:
    """What somebody asked for; "" for the preset's."""
    if name in PLACES:
        return st.session_state.get(f"place {name}", "")
    said = state.said(name)[:LONGEST]
    choices = _choices(knob, preset)
    return said if said in choices or not choices else ""


def _knob(name: str, knob: Field[Any], preset: str) -> None:
    """The box of one knob."""
    unit = knob.metadata["unit"]
    label = knob.name.replace("_", " ") + (f" [{unit}]" if unit else "")
    key, said = f"form {name}", _asked(name, knob, preset)
    more: dict[str, Any] = {"help": knob.metadata["meaning"], "key": key}
    more |= {"on_change": _keep, "args": (name,)}
    if choices := _choices(knob, preset):
        st.session_state[key] = said or preset
        st.selectbox(label, choices, **more)
    else:
        st.session_state[key] = said
        st.text_input(label, placeholder=preset or "none", max_chars=LONGEST, **more)


def _text(value: Any) -> str:
    """A knob's value as `--set` takes it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(seed: str) -> int | None:
    return typed("seed", seed, 0) if seed else None


def _within_reason(verb: str, preset: Preset) -> None:
    """Refuse whole numbers that no run could have: a link may hold any."""
    for section in READS[verb]:
        values = getattr(preset, section)
        for knob in fields(values):
            value = getattr(values, knob.name)
            if isinstance(value, int) and knob.name != "seed" and abs(value) > LARGEST:
                raise BadConfig(
                    f"{section}.{knob.name} has {len(str(abs(value)))} digits; expected at most"
                    f" {LARGEST:,}. Choose a smaller number."
                )


def _kept(name: str) -> str:
    """The key of a box whose value is what the address says."""
    key = f"form {name}"
    st.session_state[key] = state.said(name)
    return key


def _keep(name: str) -> None:
    value = st.session_state[f"form {name}"]
    if name in PLACES:
        st.session_state[f"place {name}"] = value
    else:
        state.go({name: value})
