"""Three cards to fill a store: run the demo, import generations, ingest training data."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from data.store import open_store
from workbench.app import state
from workbench.app.components import plain
from workbench.app.views.home import uploads
from workbench.app.views.train import progress
from workbench.formatting import counted, error_message

DEMO = ["run", "--preset", "tiny"]
# shape of rows -> what they look like
SHAPES = {
    "gsm8k": "question, answer with #### before the result",
    "messages": "messages: a chat of user and assistant",
    "completion": "prompt, completion",
    "stratos": "system, conversations",
}
DONE = "what a card has done"


def three_cards() -> None:
    """What thinkbench is, and the cards; in read-only mode only the commands."""
    st.markdown(
        "A workbench for people who teach small language models to reason: audit training data,"
        " train, evaluate, and see on which problems the change came from."
    )
    if not state.exists():
        st.info(f"There is no store in `{state.folder()}` yet. Each of these creates it:")
    else:
        st.info("No evaluation is finished yet. Each of these goes on from here:")
    demo, generations, data = st.columns(3)
    with demo.container(border=True, height="stretch"):
        _demo()
    with generations.container(border=True, height="stretch"):
        _generations()
    with data.container(border=True, height="stretch"):
        _data()


def _demo() -> None:
    st.header("Run the demo")
    st.markdown(
        "Evaluates a small bundled model, trains it by SFT and GRPO, and evaluates it after each:"
        " about 10 minutes on two cores. Nothing is downloaded."
    )
    if state.may_write():
        st.button("Run the demo", type="primary", on_click=_start_demo)
    state.show_commands(state.FIRST_COMMAND)


def _start_demo() -> None:
    open_store(state.folder())
    progress.start(list(DEMO))
    st.session_state[DONE] = ("demo", {})


def _generations() -> None:
    st.header("Import generations")
    st.markdown(
        "Answers that a model gave elsewhere: JSON lines with question, gold and text, samples of"
        " lm-evaluation-harness, or a log of Inspect AI."
    )
    if state.may_write():
        with st.form("import", border=False):
            file = st.file_uploader("File of generations", type=list(uploads.GENERATIONS))
            name = st.text_input("Name of the run", max_chars=100, placeholder="sky-math500")
            sent = st.form_submit_button("Import", type="primary")
        if sent and _has(file):
            _fill("import", uploads.import_generations, file, name.strip())
    state.show_commands("import FILE --name RUN")


def _data() -> None:
    st.header("Ingest training data")
    st.markdown(
        "Rows of problems and solutions. They are converted to training examples; the Audit page"
        " shows which were not, and why."
    )
    if state.may_write():
        with st.form("ingest", border=False):
            file = st.file_uploader("File of rows", type=list(uploads.ROWS))
            name = st.text_input("Name of the source", max_chars=100, placeholder="my-solutions")
            shape = st.selectbox(
                "Columns of the rows", list(SHAPES), format_func=SHAPES.__getitem__
            )
            sent = st.form_submit_button("Ingest", type="primary")
        if sent and _has(file):
            _fill("ingest", uploads.ingest_rows, file, name.strip(), shape)
    state.show_commands("ingest SOURCE --from FILE --shape gsm8k", "convert SOURCE")


def _has(file: Any) -> bool:
    if file is None:
        st.error("No file is chosen yet.")
    return file is not None


def _fill(card: str, change: Callable[..., dict[str, Any]], *values: Any) -> None:
    """Change the store, then draw the page anew: it is no empty store any more."""
    try:
        with st.spinner("Reading the file"):
            counts = change(state.folder(), *values)
    except Exception as error:
        message = error_message(error)
        if message is None:
            raise
        st.error("Nothing was read.")
        st.text(state.readable_error(message))
        return
    st.session_state[DONE] = (card, {"name": values[1], **counts})
    st.rerun()


def say_what_was_done() -> None:
    """Once, after a card has filled the store: what was read, and where it is."""
    if done := st.session_state.pop(DONE, None):
        _say(*done)


def _say(card: str, counts: dict[str, Any]) -> None:
    if card == "demo":
        st.success("The demo runs in the background; closing this page does not stop it.")
        st.page_link(_view("train"), label="Follow it on the page Train")
    elif card == "import":
        st.success(
            f"Imported {counted(counts['imported'], 'generation')} of {counts['read']:,} read."
        )
        st.page_link(
            _view("failures"),
            label=plain(f"Read the generations of {counts['name']}"),
            query_params={"run": counts["name"], "grader": counts["graders"][0]},
        )
    else:
        converted = counts["converted"]
        st.success(
            f"Read {counted(counts['read'], 'row')}: {counted(converted['converted'], 'example')},"
            f" {converted['quarantined']:,} quarantined."
        )
        st.page_link(
            _view("audit"),
            label=plain(f"Audit {counts['name']}"),
            query_params={"source": counts["name"]},
        )


def _view(name: str) -> str:
    return f"views/{name}/page.py"
