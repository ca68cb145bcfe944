"""Parts of the Audit page: quarantine reasons, and the defects of one source or of all."""

import streamlit as st

from data.audit import queries
from workbench.app import state
from workbench.app.components import choices, plain
from workbench.app.components.table import table
from workbench.app.views.audit.rows import rows_of

SHARES = {"share": st.column_config.NumberColumn(format="percent")}
DEFECTS = {"phrase": "defect", "kept": "converted"}  # column -> its title


def rows_by_defect(source: str, converter: str) -> None:
    """Why rows were quarantined, which defects there are, and the rows that have one."""
    left, right = st.columns(2)
    left.header("Quarantine reasons")
    reasons = state.query(queries.reasons, source, converter)
    if reasons.is_empty():
        left.success("Every row was converted.")
    else:
        table(reasons, into=left, look=SHARES)
    right.header("Thinking-tag formats")
    dialects = state.query(queries.dialects, source, converter)
    table(dialects, into=right, titles={"dialect": "tag format", "kept": "converted"})
    st.header("Defects")
    defects = state.query(queries.defects, source, converter)
    if defects.is_empty():
        st.success("No row has a defect.")
    else:
        st.caption("Rows can have several defects; `converted` of them became examples anyway.")
        table(defects, titles=DEFECTS)
    st.header("Rows")
    phrases = defects["phrase"].unique(maintain_order=True).to_list()
    phrase = choices.choose(
        st.selectbox,
        "Defect",
        phrases,
        "defect",
        optional=True,
        clears=("record",),
        missing="all rows are shown",
        placeholder="All rows",
        format_func=plain,
    )
    rows_of(source, converter, phrase)


def defects_by_source(source: str, converter: str) -> None:
    """The defects of every source, whichever is chosen."""
    st.caption("The newest conversion of each source; shares are of all rows of that source.")
    table(state.query(queries.defects_by_source), look=SHARES, titles=DEFECTS)
