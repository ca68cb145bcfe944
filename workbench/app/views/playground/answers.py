"""Part of the Playground page: answers as they grow, their verdicts, and keeping them."""

import functools
from urllib.parse import urlencode

import streamlit as st

from evals.graders import GRADERS, Score, grader as grader_of
from workbench.app import state
from workbench.app.components import RAW, VERDICT, choices, is_raw, plain, show_text, switches
from workbench.playground import Asking, Event, ModelAnswers, answered, keep_answers

EVERY = 0.3  # [s] between two updates while answers grow
CORRECT = {True: "right", False: "wrong", None: "unknown"}
STATES = {
    "waiting": ":material/hourglass_empty: waiting for its turn",
    "loading": ":material/hourglass_top: loading the model",
    "answering": ":material/edit: answering",
    "done": ":material/check: done",
    "failed": ":material/error: failed",
    "stopped": ":material/cancel: stopped",
}


def answers(asking: Asking) -> None:
    """The answers of each model; while any grows, this part reruns by itself."""
    grader = "strict"
    if asking.question.gold is not None:
        grader = choices.choose(st.selectbox, "Grader", list(GRADERS), "grader")
    ended = asking.is_ended
    if not ended:
        st.button("Stop", on_click=asking.stop)
    else:
        switches(RAW)
    st.fragment(_update, run_every=None if ended else EVERY)(asking, grader, ended)
    if ended:
        _keep(asking)


def _update(asking: Asking, grader: str, ended: bool) -> None:
    asking.look()
    if asking.is_ended != ended:
        st.rerun()  # the whole page: to stop updating, and to offer what can be done now
    for column, model in zip(st.columns(len(asking.models)), asking.models, strict=True):
        with column.container(border=True):
            _model(model, asking.question.gold, grader)


def _model(model: ModelAnswers, gold: str | None, grader: str) -> None:
    where = f" · {model.choice.server.url}" if model.choice.server else ""
    st.text(plain(f"{model.choice.name}{where}"))
    st.caption(STATES[model.state])
    if model.error:
        st.error("No answer:" if not model.samples else "It ended:")
        st.text(plain(model.error))
    for event in [model.samples[sample] for sample in sorted(model.samples)]:
        _sample(event, gold, grader)


def _sample(event: Event, gold: str | None, grader: str) -> None:
    tokens = "" if event.tokens is None else f"{event.tokens:,} tokens"
    end = "" if event.finish == "" else f"stop reason {event.finish or 'not recorded'}"
    parts = [f"sample {(event.sample or 0) + 1}", tokens, end]
    if event.is_end_of_text and gold is not None:
        score = _score(grader, event.text, gold)
        st.header(VERDICT[CORRECT[score.correct]], anchor=False)
        parts.append(f"answer {score.extracted}" if score.extracted else "no extracted answer")
    st.text(plain(" · ".join(filter(None, parts))))
    if event.error:
        st.text(plain(f"It failed: {event.error}"))
    if event.text:
        # while it grows, its Markdown and formulas are not whole
        show_text(event.text, raw=is_raw() or not event.is_end_of_text)


@functools.lru_cache(256)
def _score(grader: str, text: str, gold: str) -> Score:
    return grader_of(grader).grade(text, gold)


def _keep(asking: Asking) -> None:
    """The button that stores the answers, and links to what is stored."""
    if not any(one.is_end_of_text for model in asking.models for one in model.samples.values()):
        return
    if not asking.runs:
        st.button(
            "Keep as generations",
            on_click=_store,
            args=(asking,),
            help="Stores the finished answers, graded: a run for each model.",
        )
        return
    st.success("Kept as generations.")
    for run in asking.runs:
        st.link_button(plain(f"Generations of {run}"), f"failures?{urlencode({'run': run})}")
    if len(set(asking.runs)) > 1:
        first, *_, last = dict.fromkeys(asking.runs)
        both = urlencode({"a": first, "b": last})
        st.link_button("Compare the first with the last", f"compare?{both}")


def _store(asking: Asking) -> None:
    store = state.store()
    models = answered(store, asking.models)
    asking.runs = keep_answers(store, asking.question, models, state.author())
