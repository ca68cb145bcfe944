"""The form of the Playground page: a question, up to four models, and how they sample."""

from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from data.errors import UserError
from data.store import Store, ask
from pipeline.config import BadConfig, EvalConfig
from workbench.app import address, state
from workbench.app.components import choices, generation, plain
from workbench.lookup import trained_runs
from workbench.playground import Choice, served_choice

MOST_MODELS = 4
MOST_PROBLEMS = 500  # in the list; any other one by the address
LONGEST_IN_ADDRESS = 4_000  # characters of a question; a longer one is no part of a link
BUNDLED = "tiny"
# knob -> label, least, most, step
NUMBERS: dict[str, tuple[str, float, float, float]] = {
    "samples": ("Samples", 1, 8, 1),
    "temperature": ("Temperature", 0.0, 2.0, 0.1),
    "max_tokens": ("Max tokens", 1, 8192, 1),
    "seed": ("Seed", 0, 2**31 - 1, 1),
}


@dataclass(frozen=True)
class Form:
    """What the form describes. problem_id: of a stored problem, else "" and a text"""

    problem_id: str
    text: str
    gold: str | None
    choices: list[Choice]
    config: EvalConfig


def form() -> Form | None:
    """The question and the models; None where something is missing, which the page then says.

    The address keeps the question, the runs and the sampling. Folders, servers and keys stay in
    the session: a link by somebody else must not choose what is read, or who receives a question.
    """
    problem_id = _problem()
    text, gold = ("", None) if problem_id else _question()
    models = _models()
    config = _sampling()
    if not (problem_id or text.strip()):
        st.caption("Write a question, or pick a stored problem.")
    elif not models:
        st.caption("Choose at least one model.")
    elif len(models) > MOST_MODELS:
        st.warning(f"{len(models)} models are chosen; choose at most {MOST_MODELS}.")
    elif config is not None:
        return Form(problem_id, text, gold, models, config)
    return None


def _problem() -> str:
    """The id of the stored problem that is picked, "" for a question of one's own."""
    rows = state.query(_problems, address.value("problem"), reads=("problems",))
    questions = dict(rows.iter_rows())
    chosen = choices.choose(
        st.selectbox,
        "Stored problem",
        ["", *questions],
        "problem",
        format_func=lambda one: plain(questions[one]) if one else "None: a question of my own",
        missing="write a question instead",
    )
    if chosen:
        generation.problem(chosen)
    return chosen


def _problems(store: Store, chosen: str) -> pl.DataFrame:
    """problem_id and question of the problems in the list, those of test splits first."""
    return ask(
        store,
        """
        select problem_id, left(question, 150) as question from problem_texts
        order by problem_id = $chosen desc, split = 'test' desc, problem_id
        limit $most
        """,
        chosen=chosen,
        most=MOST_PROBLEMS,
    )


def _question() -> tuple[str, str | None]:
    left, right = st.columns([3, 1])
    text = left.text_area("Question", **_in_address("question")) or ""
    gold = right.text_input("Reference answer, if known", max_chars=1_000, **_in_address("answer"))
    return text, (gold or "").strip() or None


def _in_address(name: str) -> dict[str, Any]:
    """The options of a text widget whose value the address keeps, unless it is too long."""
    key = f"playground {name}"
    if (text := address.value(name)) or key not in st.session_state:
        st.session_state[key] = text

    def keep() -> None:
        value = st.session_state[key]
        address.go({name: value if len(value) <= LONGEST_IN_ADDRESS else None})

    return {"key": key, "on_change": keep}


def _models() -> list[Choice]:
    runs = state.query(trained_runs, reads=("runs",))
    left, right = st.columns([3, 1])
    names = choices.choose_several(
        left.multiselect,
        "Models",
        [*runs, BUNDLED],
        "run",
        default=[*runs[:1], BUNDLED],
        pinned=True,
        select_all=False,
        max_selections=MOST_MODELS,
    )
    folder = right.text_input("Folder or hub id", key="playground folder", max_chars=1_000)
    local = [*names, *filter(None, [folder.strip()])]
    return [*(Choice(name) for name in local), *_served()]


def _served() -> list[Choice]:
    fold = choices.fold("Models behind a server", "server")
    if not fold.open:
        return []
    with fold:
        url_box, names_box, key_box = st.columns(3)
        url = url_box.text_input(
            "URL", key="playground url", placeholder="http://127.0.0.1:8000/v1", max_chars=1_000
        )
        names = names_box.text_input("Names of models there", key="playground served",
                                     help="separated by commas", max_chars=1_000)  # fmt: skip
        key = key_box.text_input("API key, if it needs one", key="playground key", type="password")
        served = [name.strip() for name in names.split(",") if name.strip()]
        if not (url and served):
            st.caption("OpenAI-compatible. This machine sends the question to that address.")
            return []
        try:
            return [served_choice(name, url, key) for name in served]
        except UserError as error:
            st.error("This server cannot be used:")
            st.text(plain(str(error)))
            return []


def _sampling() -> EvalConfig | None:
    values = {}
    for column, (name, (label, least, most, step)) in zip(
        st.columns(len(NUMBERS)), NUMBERS.items(), strict=True
    ):
        kind = type(getattr(EvalConfig(), name))
        key = f"playground {name}"
        st.session_state[key] = kind(_number(name, least, most))
        values[name] = column.number_input(
            label,
            kind(least),
            kind(most),
            step=kind(step),
            key=key,
            on_change=_keep_number,
            args=(name,),
            help=EvalConfig.__dataclass_fields__[name].metadata["meaning"],
        )
    try:
        return EvalConfig(**values)
    except BadConfig as error:
        st.error(str(error))
        return None


def _number(name: str, least: float, most: float) -> float:
    """The number in the address, if it is one, within its limits; else the default."""
    default = getattr(EvalConfig(), name)
    try:
        value = float(address.value(name) or default)
    except ValueError:
        return default
    return min(max(value, least), most) if value == value else default


def _keep_number(name: str) -> None:
    value = st.session_state[f"playground {name}"]
    address.go({name: None if value == getattr(EvalConfig(), name) else f"{value:g}"})
