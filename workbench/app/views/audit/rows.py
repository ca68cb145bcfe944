"""Parts of the Audit page: one row before and after conversion, and a person's review of it."""

import streamlit as st

from data.audit import quarantine, rows, spans
from data.store import annotations
from workbench.app import address, state
from workbench.app.components import choices, ends, plain, prev_next, shortened
from workbench.app.components.row_picker import row_picker
from workbench.app.components.table import table
from workbench.app.frame import explained
from workbench.formatting import marks

PAGE = 50  # rows


@st.fragment
@explained()
def rows_of(source: str, converter: str, phrase: str | None) -> None:
    """The rows with a defect, one at a time: buttons, keys and a list to go through them.

    The address keeps which row is shown: `record`.
    """
    record = _shown()
    rows_shown = (source, converter, phrase)
    around = state.query(rows.neighbours, *rows_shown, record)
    if around["place"] is None:  # no row yet, or one without this defect: begin with the first
        first = state.query(rows.rows_with, *rows_shown, 1, 1)
        if first.is_empty():
            st.info("No row has this defect.")
            return
        record = first["record_id"][0]
        address.set_default("record", [record])  # the first may change as rows are ingested
        around = state.query(rows.neighbours, *rows_shown, record)
    before, after, where = st.columns([1, 1, 4], vertical_alignment="center")
    prev_next.buttons(
        (before, after),
        lambda by: _step(*rows_shown, record, by),
        before=around["previous"] is not None,
        after=around["next"] is not None,
    )
    with where:
        prev_next.position(
            around["place"], around["of"], f"{rows_shown}", lambda at: _go_to_nth(*rows_shown, at)
        )
    _list(*rows_shown, around["place"])
    review(record, detail(record, converter))
    address.write_defaults("rows")


def _list(source: str, converter: str, phrase: str | None, nth: int) -> None:
    """The page of rows around the one shown, where the list is open."""
    block = choices.fold("Show as list", "list")
    if not block.open:
        return
    page = -(-nth // PAGE)
    listed = state.query(rows.rows_with, source, converter, phrase, page, PAGE)
    with block:
        key = f"rows of {source} {converter} {phrase} {page}"
        row_picker(listed, listed["record_id"].to_list(), key, _go_to)


def _shown() -> str:
    """The record that the address names, or the page's default."""
    return address.value("record") or next(iter(address.defaults().get("record", ())), "")


def _step(source: str, converter: str, phrase: str | None, drawn: str, by: int) -> None:
    # from the current address: of two quick clicks the second goes on from the first;
    # if the address names a row without the defect, from the row that was drawn instead
    for record in (_shown(), drawn):
        around = state.query(rows.neighbours, source, converter, phrase, record)
        if around["place"] is not None:
            _go_to(around["next" if by > 0 else "previous"] or record)
            return


def _go_to_nth(source: str, converter: str, phrase: str | None, nth: int) -> None:
    row = state.query(rows.rows_with, source, converter, phrase, nth, 1)
    if not row.is_empty():
        _go_to(row["record_id"].item())


def _go_to(record: str) -> None:
    address.go({"record": record})


def detail(record: str, converter: str) -> dict:
    """One row, original and as a training example, side by side, with its marks."""
    row = state.query(rows.row, record, converter)
    st.text(f"Row {row['row_number']:,}, record {plain(record)}")
    st.text(plain(f"{row['origin']}: {row['reason'] or row['outcome']}"))
    left, right = st.columns(2)
    left.header("Original")
    for field, text in spans.fields_of(row["shape"], row["body"]).items():
        if text:
            left.caption(f"{field.capitalize()}, {len(text):,} characters")
            parts = spans.pieces(text, spans.marks_of(row, field))
            left.html(marks.on_page(shortened(parts)))
    right.header("Training example")
    _example(row, right)
    if row["defects"]:
        st.caption("Defect positions, in characters of each field")
        table(row["defects"], titles={"phrase": "defect"})
    return row


def _example(row: dict, column) -> None:
    """What conversion made of a row, and which repair rules changed it."""
    if row["prompt"] is None:
        column.warning("Quarantined")
        column.text(plain(row["reason"]))
    for name in ("prompt", "reasoning", "answer"):
        if row[name] is not None:
            column.caption(f"{name.capitalize()}, {len(row[name]):,} characters")
            label = () if name == "prompt" else (name,)
            column.html(marks.on_page(shortened([spans.Piece(row[name], label)])))
    for rewrite in row["rewrites"] or ():
        column.text(plain(f"The rule {rewrite['rule']} changed the {rewrite['field']} from"))
        column.code(ends(plain(rewrite["before"])), language=None, wrap_lines=True)
        column.caption("to")
        column.code(ends(plain(rewrite["after"])) or " ", language=None, wrap_lines=True)


def review(record: str, row: dict) -> None:
    """A person's decision on the row, and a form to make another, under one's own name."""
    st.header("Review decision")
    if row["ruling"]:
        decision = plain(f"{row['ruling']} by {row['ruled_by']}: {row['ruled_because']}")
        st.text(ends(decision))
    else:
        st.caption("No manual decision.")
    if not state.may_write():
        return
    is_example = row["prompt"] is not None and row["ruling"] != "quarantined"
    with st.form(f"ruling of {record}", clear_on_submit=True):
        reason = st.text_input("Reason", placeholder="why, in a few words")
        sent = st.form_submit_button("Quarantine" if is_example else "Release")
    if not sent:
        return
    decide = quarantine.quarantine if is_example else quarantine.release
    try:
        decide(state.store(), record, reason, state.author())
    except (annotations.BadEntry, quarantine.NothingToRelease) as error:
        st.error("Could not quarantine this row." if is_example else "Could not restore this row.")
        st.text(ends(state.readable_error(error)))
    else:
        st.rerun()
