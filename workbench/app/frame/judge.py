"""How good a judge is, beside whatever a page shows by its verdicts."""

import streamlit as st

from evals.judge import PREFIX, quality_of
from workbench.app import state
from workbench.app.components import plain
from workbench.formatting import judge_note

READS = ("scores", "overrides", "labels", "generations", "rubrics")


def judge_caption(grader: str) -> None:
    """What is known of the judge `grader`, as a warning where it is not validated."""
    if not grader.startswith(PREFIX):
        return
    quality = state.query(quality_of, grader, reads=READS)
    show = st.caption if quality["validated"] else st.warning
    show(plain(state.readable_error(judge_note(quality))))
