"""Parts of the audit page: the rows of one defect, one row before and after, a person's ruling."""

import streamlit as st

from data.audit import quarantine, queries, rows as audit_rows, spans
from data.store import annotations
from evals import token_budget
from workbench.app import address, state as session
from workbench.app.components import charts, ends, plain, prev_next, row_picker, text as texts
from workbench.app.components.table import table
from workbench.formatting import marks

PAGE = 50  # rows
SHARES = {"share": st.column_config.NumberColumn(format="percent")}


def rows_by_defect(source: str, converter: str) -> None:
    """Why rows were turned away, what damage there is, and the rows that have it."""
    left, right = st.columns(2)
    left.subheader("Why rows were turned away")
    reasons = session.answer(queries.reasons, source, converter)
    if reasons.is_empty():
        left.success("Every row was converted.")
    else:
        table(reasons, into=left, look=SHARES)
    right.subheader("Markers found")
    table(session.answer(queries.dialects, source, converter), into=right)
    st.subheader("Defects")
    defects = session.answer(queries.defects, source, converter)
    if defects.is_empty():
        st.success("No row has one.")
    else:
        st.caption("A row may have several; `kept` of them became examples all the same.")
        table(defects)
    st.subheader("Rows")
    phrases = defects["phrase"].unique(maintain_order=True).to_list()
    phrase = session.chosen(
        st.selectbox,
        "With the defect",
        phrases,
        "defect",
        optional=True,
        leaves=("record",),
        missing="all rows are shown",
        placeholder="any row",
        format_func=plain,
    )
    rows_of(source, converter, phrase)


def defects_by_source(source: str, converter: str) -> None:
    """The damage of every source, whichever is chosen."""
    st.caption("The newest conversion of each source; shares are of all rows of that source.")
    table(session.answer(queries.defects_by_source), look=SHARES)


@st.fragment
def rows_of(source: str, converter: str, phrase: str | None) -> None:
    """The rows with a defect, one at a time: buttons, keys and a list to go through them.

    Which one is shown is a part of the page's address: `record`.
    """
    chosen = _shown()
    asked = (source, converter, phrase)
    place = session.answer(audit_rows.neighbours, *asked, chosen)
    if place["place"] is None:  # no row yet, or one of another defect: begin with the first
        first = session.answer(audit_rows.rows_with, *asked, 1, 1)
        if first.is_empty():
            st.info("No row has this defect.")
            return
        chosen = first["record_id"][0]
        address.note("record", [chosen])  # another may be the first when more are ingested
        place = session.answer(audit_rows.neighbours, *asked, chosen)
    before, after, where = st.columns([1, 1, 4], vertical_alignment="center")
    for column, way in ((before, "previous"), (after, "next")):
        column.button(
            way.capitalize(),
            disabled=place[way] is None,
            on_click=_step,
            args=(*asked, chosen, way),
            width="stretch",
        )
    with where:
        prev_next.place(
            place["place"], place["of"], f"{asked}", lambda at: _go_to_place(*asked, at)
        )
    listed = session.folded("List", "list")
    if listed.open:
        page = -(-place["place"] // PAGE)
        rows = session.answer(audit_rows.rows_with, *asked, page, PAGE)
        with listed:
            key = f"rows of {source} {converter} {phrase} {page}"
            row_picker.table(rows, rows["record_id"].to_list(), key, _go_to)
    ruling_form(chosen, detail(chosen, converter))
    address.to_address("rows")


def _shown() -> str:
    """The record that the address names, or the page showed first."""
    return session.said("record") or next(iter(address.notes().get("record", ())), "")


def _step(source: str, converter: str, phrase: str | None, drawn: str, way: str) -> None:
    # from where the address is by now: of two quick clicks the second goes on from the first;
    # where it names a row of another defect, from the one that was drawn instead
    for record in (_shown(), drawn):
        found = session.answer(audit_rows.neighbours, source, converter, phrase, record)
        if found["place"] is not None:
            _go_to(found[way] or record)
            return


def _go_to_place(source: str, converter: str, phrase: str | None, place: int) -> None:
    found = session.answer(audit_rows.rows_with, source, converter, phrase, place, 1)
    if not found.is_empty():
        _go_to(found["record_id"].item())


def _go_to(record: str) -> None:
    session.go({"record": record})


def detail(record: str, converter: str) -> dict:
    """One row as it came and as it is trained on, side by side, with its marks."""
    row = session.answer(audit_rows.row, record, converter)
    said = row["reason"] or row["outcome"]
    st.text(f"Row {row['row_number']:,}, record {plain(record)}")
    st.text(plain(f"{row['origin']}: {said}"))
    left, right = st.columns(2)
    left.subheader("As it came")
    for field, text in spans.fields_of(row["shape"], row["body"]).items():
        if text:
            left.caption(f"{field.capitalize()}, {len(text):,} characters")
            found = spans.pieces(text, spans.marks_of(row, field))
            left.html(marks.on_page(texts.bearable(found)))
    right.subheader("As it is trained on")
    if row["prompt"] is None:
        right.warning("Quarantined")
        right.text(plain(row["reason"]))
    for name in ("prompt", "reasoning", "answer"):
        if row[name] is not None:
            right.caption(f"{name.capitalize()}, {len(row[name]):,} characters")
            label = () if name == "prompt" else (name,)
            right.html(marks.on_page(texts.bearable([spans.Piece(row[name], label)])))
    for rewrite in row["rewrites"] or ():
        right.text(plain(f"Rewritten in the {rewrite['field']} by the rule {rewrite['rule']}"))
        right.code(ends(plain(rewrite["before"])), language=None, wrap_lines=True)
        right.caption("became")
        right.code(ends(plain(rewrite["after"])) or " ", language=None, wrap_lines=True)
    if row["defects"]:
        st.caption("Where its defects stand, in characters of each field")
        table(row["defects"])
    return row


def ruling_form(record: str, row: dict) -> None:
    """What a person has said of the row, and how to say otherwise, under one's own name."""
    st.subheader("Ruling")
    if row["ruling"]:
        ruling = plain(f"{row['ruling']} by {row['ruled_by']}: {row['ruled_because']}")
        st.text(ends(ruling))
    else:
        st.caption("The converter alone has decided.")
    if not session.may_write():
        return
    is_in = row["prompt"] is not None and row["ruling"] != "quarantined"
    with st.form(f"ruling of {record}", clear_on_submit=True):
        reason = st.text_input("Reason", placeholder="why, in a few words")
        said = st.form_submit_button("Quarantine" if is_in else "Release")
    if not said:
        return
    rule = quarantine.quarantine if is_in else quarantine.release
    try:
        rule(session.store(), record, reason, session.author())
    except (annotations.BadEntry, quarantine.NothingToRelease) as error:
        st.error("It could not be done.")
        st.text(ends(plain(str(error))))
    else:
        st.rerun()


def survival_of(source: str, converter: str) -> None:
    """Which answers a budget of tokens keeps, and the rows behind each point."""
    known = session.answer(token_budget.tokenizers, source, converter)
    if not known:
        st.info("No tokens are counted yet. Count them with the model that will be trained:")
        st.code(f"thinkbench audit {source} --model tiny", language="shell")
        return
    tokenizer = session.chosen(
        st.selectbox, "Tokenizer", known, "tokenizer", stays=True, format_func=plain
    )
    found = session.answer(token_budget.token_counts, source, converter, tokenizer)
    wrong = int((~found["mask_is_exact"]).sum())
    say = st.error if wrong else st.success
    say(f"The loss mask is exact in {found.height - wrong:,} of {found.height:,} examples.")
    table([{"part": part, **row} for part, row in token_budget.lengths(found).items()])
    longest = int(found["answer_end"].max() or 1)
    budgets = sorted({*charts.steps(longest + 1), *token_budget.BUDGETS})
    st.altair_chart(charts.survival(token_budget.survival(found, budgets)))
    lost = token_budget.too_long(found, _budget(longest + 1))
    st.caption(f"{lost.height:,} of {found.height:,} examples do not fit it.")
    table(lost)


def _budget(usual: int) -> int:
    """The number of tokens that somebody asks about, which the address keeps."""
    key = "pick budget"
    st.session_state[key] = session.number("budget", usual)
    keep = lambda: session.go({"budget": str(st.session_state[key])})  # noqa: E731
    return st.number_input("Budget, in tokens", min_value=1, key=key, on_change=keep)
