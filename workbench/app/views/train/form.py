"""The form of the Train page: a task, the model it starts from, and all its settings."""

from dataclasses import Field, fields
from typing import Any

import streamlit as st

from pipeline.config import SECTIONS, BadConfig, Preset
from pipeline.presets import load_preset, preset_names
from workbench.app import address, state
from workbench.app.components import choices, plain
from workbench.app.views.curate import subset_labels
from workbench.app.views.train import trials
from workbench.lookup import changed_preset, trained_runs, typed

VERBS = {
    "run": "Full pipeline: evaluate, SFT, GRPO, evaluate after each",
    "sft": "SFT: teach the response format",
    "dpo": "DPO: prefer correct answers to incorrect ones",
    "grpo": "GRPO: strengthen the reasoning",
    "eval": "Evaluate on the test problems",
    "export": "Export a model to a folder, and check it",
    "ab": "A/B test a subset against random ones",
}
# verb -> the sections of the configuration that it reads
READS = {
    "run": ("model", "data", "sft", "dpo", "grpo", "eval"),
    "sft": ("model", "data", "sft"),
    "dpo": ("model", "data", "dpo", "eval"),
    "grpo": ("model", "data", "grpo", "eval"),
    "eval": ("model", "data", "eval"),
    "export": ("model", "data", "eval"),
    "ab": ("model", "data", "sft", "grpo", "eval"),
}
SUBSETS = {"run": ("subset", "problem_subset"), "sft": ("subset",), "dpo": ("problem_subset",),
           "grpo": ("problem_subset",)}  # fmt: skip
# Settings that name a folder or a file: a link by somebody else must not choose what is read.
PATHS = ("model.model", "data.records_from", "data.problems_from", "data.conversion.dialects")
LONGEST = 400  # characters of a setting
LARGEST = 10**7  # whole number: more than any run needs, and what the preflight can compute with
TITLES = {"sft": "SFT", "dpo": "DPO", "grpo": "GRPO", "eval": "Evaluation"}  # of sections
LABELS = {"grpo.group": "completions per prompt", "grpo.prompts": "prompts per step",
          "grpo.clip": "gradient clip", "sft.clip": "gradient clip",
          "dpo.clip": "gradient clip", "dpo.in_run": "in full pipeline",
          "dpo.nll_weight": "NLL weight", "dpo.orpo_weight": "ORPO weight",
          "sft.keep": "checkpoints kept", "dpo.keep": "checkpoints kept",
          "grpo.keep": "checkpoints kept"}  # fmt: skip
FROM = {"sft": "the preset's model", "dpo": "the newest SFT run",
        "grpo": "the newest SFT or DPO run", "eval": "the preset's model",
        "export": "the newest GRPO run"}  # fmt: skip


def form() -> tuple[list[str], Preset] | None:
    """The arguments of the command that the form describes, and its preset; None if invalid.

    The address keeps all choices except paths of files, so that a link restores the form. A link
    starts nothing.
    """
    left, middle, right = st.columns(3)
    verb = choices.choose(left.selectbox, "Task", list(VERBS), "verb", format_func=VERBS.get)
    name = choices.choose(middle.selectbox, "Preset", preset_names(), "preset", default="tiny")
    seed = right.text_input("Seed", key=_set("seed"), placeholder="preset default",
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
    settings = {section: _knobs(section, getattr(preset, section)) for section in READS[verb]}
    settings["data"] |= _subsets(verb)
    assignments = tuple(
        f"{section}.{knob}={value}"
        for section, knobs in settings.items()
        for knob, value in knobs.items()
    )
    try:
        chosen = changed_preset(name, {}, assignments, _whole(seed))
        _within_reason(verb, chosen)
    except BadConfig as error:
        st.error("This cannot be started:")
        st.text(state.readable_error(error))
        return None
    for assignment in assignments:
        words += ["--set", assignment]
    return ([*words, "--seed", seed] if seed else words), chosen


def _subsets(verb: str) -> dict[str, str]:
    """Knob -> the subset to train on, if one is chosen."""
    chosen = {}
    for knob in SUBSETS.get(verb, ()):
        of = "records" if knob == "subset" else "problems"
        labels = subset_labels.of_kind(of)
        label = f"Subset of {of}"
        subset = choices.choose(
            st.selectbox,
            label,
            ["", *labels],
            f"data.{knob}",
            format_func=_all,
            missing=f"all {of} are used",
        )
        if subset:
            chosen[knob] = subset
    return chosen


def _all(label: str) -> str:
    return plain(label) or "All"


def _start(verb: str) -> list[str]:
    """The option that names the model to start from, if it is not the default one."""
    runs = trained_runs(state.store())
    default = FROM[verb]
    model = choices.choose(st.selectbox, "Model", [default, *runs], "model", missing=None,
                           format_func=lambda one: one if one == default else state.name_of(one)
                           )  # fmt: skip
    choices.warn_missing("model", [*FROM.values(), *runs], "the default model is used")
    return [] if model == default else ["--model", model]


def _knobs(section: str, preset: Any) -> dict[str, str]:
    """The settings of a section that differ from the preset, as `--set` takes them.

    Their widgets are drawn only while their fold is open; settings in the address always count.
    """
    knobs = {
        # subsets have widgets of their own
        f"{section}.{knob.name}": (knob, _text(getattr(preset, knob.name)))
        for knob in fields(SECTIONS[section])
        if not knob.name.endswith("subset")
    }
    values = {name: _value(name, *of) for name, of in knobs.items()}
    changed = {name: value for name, value in values.items() if value not in ("", knobs[name][1])}
    # a title that never changes: otherwise the browser would redraw the fold while somebody types
    title = TITLES.get(section, section.capitalize())
    fold = choices.fold(f"{title} settings", f"knobs.{section}")
    if fold.open:
        drawn = list(knobs.items())
        for first in range(0, len(drawn), 3):
            row = fold.columns(3)
            for column, (name, of) in zip(row, drawn[first : first + 3], strict=False):
                with column:
                    _knob(name, *of)
    return {name.partition(".")[2]: value for name, value in changed.items()}


def _choices(knob: Field[Any], preset: str) -> list[str]:
    """The allowed values, the preset's first; empty if any value is allowed."""
    allowed = ["true", "false"] if isinstance(knob.default, bool) else knob.metadata["choices"]
    return [preset, *(one for one in allowed if one != preset)] if allowed else []


def _value(name: str, knob: Field[Any], preset: str) -> str:
    """The value that a person chose; "" for the preset's."""
    if name in PATHS:
        return st.session_state.get(f"path {name}", "")
    value = address.value(name)[:LONGEST]
    allowed = _choices(knob, preset)
    return value if value in allowed or not allowed else ""


def _knob(name: str, knob: Field[Any], preset: str) -> None:
    """The widget of one setting."""
    unit = knob.metadata["unit"]
    label = LABELS.get(name, knob.name.replace("_", " ")) + (f" [{unit}]" if unit else "")
    key, value = f"form {name}", _value(name, knob, preset)
    options: dict[str, Any] = {"help": knob.metadata["meaning"], "key": key}
    options |= {"on_change": _keep, "args": (name,)}
    if allowed := _choices(knob, preset):
        st.session_state[key] = value or preset
        st.selectbox(label, allowed, **options)
    else:
        st.session_state[key] = value
        st.text_input(label, placeholder=preset or "none", max_chars=LONGEST, **options)


def _text(value: Any) -> str:
    """The value of a setting as `--set` takes it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(seed: str) -> int | None:
    return typed("seed", seed, 0) if seed else None


def _within_reason(verb: str, preset: Preset) -> None:
    """Refuse whole numbers that no run could use: a link may have any."""
    for section in READS[verb]:
        values = getattr(preset, section)
        for knob in fields(values):
            value = getattr(values, knob.name)
            if isinstance(value, int) and knob.name != "seed" and abs(value) > LARGEST:
                raise BadConfig(
                    f"{section}.{knob.name} has {len(str(abs(value)))} digits; expected at most"
                    f" {LARGEST:,}. Choose a smaller number."
                )


def _set(name: str) -> str:
    """The key of a widget, whose value is set from the address."""
    key = f"form {name}"
    st.session_state[key] = address.value(name)
    return key


def _keep(name: str) -> None:
    value = st.session_state[f"form {name}"]
    if name in PATHS:
        st.session_state[f"path {name}"] = value
    else:
        address.go({name: value})
