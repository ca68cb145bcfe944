"""Parts of the Curate page: versions of subsets and what differs, and records of own answers."""

import contextlib
from collections.abc import Iterator
from urllib.parse import urlencode

import polars as pl
import streamlit as st

from data.sources.cards import cards
from data.store import Store, annotations, ask
from data.subsets import KINDS, Recipe, Subset, difference, subset, subsets
from evals.subsets import PICKS, add_rejection_sample, choose
from workbench.app import state as session
from workbench.app.components import plain
from workbench.app.components.table import table
from workbench.app.views.curate import choice
from workbench.formatting import error_message

SHOWN = 50  # rows of a difference
LISTED = 6  # versions, and rows of a difference, that are seen at once
BOTH = set(KINDS)
# count of evals/subsets/rejection_sampling.py -> what a person reads
COUNTS = {
    "read": "looked at",
    "test": "left out: to problems of a test split, or that the store has lost",
    "unknown": "left out: the verdict is unknown",
    "wrong": "left out: wrong",
    "doubled": "left out: the same text to the same problem again",
    "beyond": "left out: right, and more than are wanted of their problem",
    "kept": "taken",
    "new": "new records",
    "converted": "examples of the source, with those of before",
    "quarantined": "quarantined of the source, likewise",
}


def browse() -> None:
    """Every version; one of them with its lineage; what differs from another."""
    found = session.answer(_subsets, reads=("subsets",))
    if not found:
        st.info("No subset is kept yet. Choose rows, then save them; or:")
        st.code("thinkbench subset new NAME --where FILTER", language="shell")
        return
    table(
        [
            {
                "subset": one.label,
                "rows": len(one.ids),
                "filter": one.filter_text,
                "parent": one.parent,
                "by": one.author,
                "made": one.at,
            }
            for one in found
        ],
        most=LISTED,
    )
    names = [one.label for one in found]
    left, right = st.columns(2)
    first = session.chosen(left.selectbox, "Version", names, "first", format_func=plain,
                           missing="another version is shown")  # fmt: skip
    chosen = next(one for one in found if one.label == first)
    # a record is no problem: versions of both have nothing to compare
    beside = [one.label for one in found if one != chosen and {one.of, chosen.of} - {None} != BOTH]
    second = session.chosen(right.selectbox, "Beside", ["", *beside], "second", format_func=plain,
                            missing="none is beside it")  # fmt: skip
    _one(chosen, found)
    if second:
        _differs(first, second)


def _one(one: Subset, every: list[Subset]) -> None:
    line, known = [one], {other.label: other for other in every}
    while (parent := known.get(line[-1].parent or "")) is not None:
        line.append(parent)
    st.subheader("Lineage")
    for place, version in enumerate(line):
        chosen = "chosen from the subset below by" if version.parent else "chosen from all rows by"
        st.text(f"{'  ' * place}{plain(version.label)}: {len(version.ids):,} rows, {chosen}")
        st.code(plain(version.filter_text), language=None, wrap_lines=True)
    runs = session.answer(_trained_on, one.label, reads=("runs",))
    st.text(plain(f"Runs that learned from it: {', '.join(runs) or 'none yet'}"))
    if one.of:
        _check(one)


def _check(one: Subset) -> None:
    fold = session.folded("Which rows its recipe would choose now", "check")
    if fold.open:
        with fold, _said("Its recipe cannot be checked."):
            found = choice.chosen(choice.resolved(one.recipe))
            if found is not None:
                _checked(choose.check(session.store(), one, found))


def _checked(now: dict) -> None:
    if now["same"]:
        st.success("It still chooses these rows.")
    else:
        new, gone = len(now["new"]), len(now["gone"])
        st.warning(f"It would now choose {new:,} other rows, and {gone:,} of these no more.")


@contextlib.contextmanager
def _said(what: str) -> Iterator[None]:
    """Say in words what cannot be done with a subset as it is kept; a bug stays one."""
    try:
        yield
    except ValueError as error:
        words = error_message(error)
        if words is None:
            raise
        st.error(what)
        st.text(plain(words))


def _differs(first: str, second: str) -> None:
    found = session.answer(_difference, first, second, reads=("subsets",))
    st.subheader("What differs")
    columns = st.columns(3)
    columns[0].metric("in both", f"{found['both']:,}")
    sides = (("only_first", first), ("only_second", second))
    for column, (side, label) in zip(columns[1:], sides, strict=True):
        column.metric(f"only in the {side[5:]}", f"{len(found[side]):,}")
        column.text(plain(label))
    for side, label in sides:
        if found[side]:
            st.text(plain(f"Only in {label}: the first {min(SHOWN, len(found[side])):,}"))
            with _said("These rows cannot be shown, only counted."):
                rows = session.answer(_rows, label, tuple(found[side][:SHOWN]))
                table(rows, most=LISTED)


def own() -> None:
    """A form that makes records of right answers to train problems."""
    runs = session.answer(_with_answers, reads=("runs", "rollouts"))
    if not runs:
        st.info("No run has answers to train problems yet. GRPO makes them as it trains:")
        st.code(session.FIRST, language="shell")
        return
    st.caption(
        "Right answers of a model become records of a source of their own, which conversion audits"
        " like any other. Answers to problems of a test split are left out."
    )
    if not session.may_write():
        st.info("This app only reads: it makes no records.")
        return
    with st.form("own answers"):
        hint = "letters, digits, points, _ and -; a new one, or one that was made here"
        name = st.text_input("Name of the source", max_chars=60, placeholder=hint)
        chosen = st.multiselect("Runs", runs, default=runs[:1], select_all=False)
        left, right = st.columns(2)
        pick = left.selectbox("Of the right answers", list(PICKS),
                              format_func=lambda one: f"{one}: {PICKS[one]}")  # fmt: skip
        per_problem = right.number_input("At most of each problem", 1, 64, 1)
        sent = st.form_submit_button("Make records", type="primary")
    if not sent:
        return
    try:
        if not name.strip() or not chosen:
            raise annotations.BadEntry("the source has no name, or no run is chosen. Say both.")
        if name.strip() in session.answer(_others, reads=("records",)):
            raise annotations.BadEntry(
                f"the source {name.strip()!r} has rows that are no own answers, and would be mixed"
                " with these. Choose another name."
            )
        with st.spinner("Reading answers"):
            value = add_rejection_sample(
                session.store(), name.strip(), chosen, str(pick), int(per_problem)
            )
    except ValueError as error:
        words = error_message(error)
        if words is None:
            raise
        st.error("No records were made.")
        st.text(plain(words))
        return
    examples = f"the source has {value['converted']:,} examples now"
    st.success(f"{value['new']:,} new records; {examples}.")
    st.link_button("Choose from them", f"curate?{urlencode({'source': value['source']})}")
    table([{"answers": words, "count": value[name]} for name, words in COUNTS.items()])


def _subsets(store: Store) -> list[Subset]:
    return subsets(store)


def _difference(store: Store, first: str, second: str) -> dict:
    return difference(subset(store, first), subset(store, second))


def _rows(store: Store, label: str, ids: tuple[str, ...]) -> pl.DataFrame:
    recipe: Recipe = subset(store, label).recipe
    rows = choose.page(store, recipe, list(ids), 1, SHOWN)
    lists = [name for name, kind in rows.schema.items() if isinstance(kind, pl.List)]
    return rows.with_columns(pl.col(lists).list.join(", ")) if lists else rows


def _trained_on(store: Store, label: str) -> list[str]:
    """Runs that have this version among their inputs."""
    found = ask(
        store,
        """
        select run from runs where starts_with(inputs->>'$.subset', $label || ' ')
        order by run
        """,
        label=label,
    )
    return found["run"].to_list()


def _others(store: Store) -> list[str]:
    """Sources with rows that are not answers of a model of ours, and those that have a card."""
    found = ask(
        store,
        """
        select distinct source from records
        where shape <> 'completion' or body->>'$.made_by' is null or body->>'$.run' is null
        """,
    )
    return [*cards(), *found["source"]]


def _with_answers(store: Store) -> list[str]:
    """GRPO runs with rollouts, and imports, the newest first."""
    found = ask(
        store,
        """
        select run from runs
        where kind = 'import' and event = 'done' or run in (select distinct run from rollouts)
        order by started_at desc, run
        """,
    )
    return found["run"].to_list()
