"""Parts of the Curate page: the form of a recipe, its funnel, the rows it chooses, saving them."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import polars as pl
import streamlit as st

from data.store import Store, annotations, ask
from data.subsets import (
    DUPLICATES,
    FIELDS as OF_RECORDS,
    KINDS,
    OF_TEXTS,
    Choice,
    Field,
    FilterError,
    NoSuchSubset,
    Recipe,
    of_json,
    to_json,
)
from evals.subsets import FIELDS as OF_PROBLEMS, NotMeasured, choose as curation
from workbench.app import state as session
from workbench.app.browse import facets
from workbench.app.components import charts, plain
from workbench.app.components.table import table
from workbench.app.views.curate import choice, subset_choice

PAGE = 50  # rows
PAGED = ("page",)
MORE = ("parent", "of_run", "sample", "tokens", "seed")
LONGEST = 2_000  # characters of a filter
COMMON = {
    "records": {
        "no defect at all": "not severity in (error, warning)",
        "short reasoning": "reasoning_chars < 2000",
        "one answer": 'defect != "two answers"',
        "no test split": "split != test",
    },
    "problems": {
        "sometimes right": "0 < pass_rate < 1",
        "never right": "pass_rate = 0",
        "learnable": "band = learnable",
        "not yet asked": "pass_rate is unknown",
    },
}


def choose() -> None:
    """The recipe on the left; on the right what it chooses."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        recipe = form()
    with right:
        chosen(recipe)


def form() -> Recipe:
    """The recipe that the address describes, with boxes to change it."""
    of = _kind()
    names = session.answer(_sources, reads=("conversions",))
    sources = [name for name in st.query_params.get_all("source") if name in names]
    _kept("source", sources)
    st.multiselect("Sources", names, key="curate source", on_change=_keep, args=("source",),
                   placeholder="all", select_all=False)  # fmt: skip
    session.say_missing("source", names, "that source is left out")
    where = _text("where", "Filter", st.text_area, height=90, max_chars=LONGEST,
                  placeholder="all rows; as in: " + next(iter(COMMON[of].values())))  # fmt: skip
    columns = st.columns(2)
    for place, (label, filter) in enumerate(COMMON[of].items()):
        longer = _narrowed(filter)
        columns[place % 2].button(label, on_click=session.go, help=filter, width="stretch",
                                  args=({"where": longer, "page": None},),
                                  disabled=len(longer) > LONGEST)  # fmt: skip
    if len(session.said("where")) > LONGEST:
        st.warning(f"The filter of the address is cut at {LONGEST:,} characters.")
    _fields(OF_RECORDS if of == "records" else OF_PROBLEMS)
    first, second = st.columns(2)
    duplicates = session.chosen(
        first.selectbox, "Duplicates", list(DUPLICATES), "duplicates", leaves=PAGED
    )
    by = "example"
    if of == "records":
        by = session.chosen(second.selectbox, "Of", list(OF_TEXTS), "by", leaves=PAGED)
    recipe = Recipe(of=of, sources=tuple(sources), where=where, duplicates=duplicates, by=by)
    # open where a link has any of it: what narrows the rows must be seen
    with st.expander("More: parent, run, drawing", expanded=any(map(session.said, MORE))):
        recipe = _more(recipe)
    return recipe


def _kind() -> str:
    """Records or problems. Their fields differ, so the address keeps a filter for each."""
    key = "curate of"
    st.session_state[key] = session.one_of("of", KINDS)
    st.segmented_control("Rows", list(KINDS), key=key, required=True, on_change=_turn)
    return st.session_state[key]


def _turn() -> None:
    """Go to the other kind of rows: `where` is of the kind that is shown, `aside` of the other."""
    of = st.session_state["curate of"]
    if of != session.one_of("of", KINDS):
        aside, where = session.said("aside"), session.said("where")
        session.go({"of": of, "where": aside, "aside": where[:LONGEST], "page": None})


def _more(recipe: Recipe) -> Recipe:
    every = subset_choice.of_kind(recipe.of)
    parent = session.chosen(
        st.selectbox,
        "Only what this holds",
        ["", *every],
        "parent",
        format_func=plain,
        leaves=PAGED,
        missing="rows are chosen from all there are",
    )
    run = ""
    if recipe.of == "problems":
        runs = session.answer(_runs, reads=("runs", "rollouts"))
        run = session.chosen(st.selectbox, "Verdicts of the run", ["", *runs], "of_run",
                             leaves=PAGED,
                             format_func=lambda name: name or "the newest GRPO run")  # fmt: skip
    left, middle, right = st.columns(3)
    with left:
        sample = _whole("sample", "Draw rows")
    with middle:
        tokens = 0 if recipe.of == "problems" else _whole("tokens", "Draw tokens")
    with right:
        seed = _whole("seed", "Seed")
    return replace(recipe, parent=parent, run=run, sample=sample, tokens=tokens, seed=seed)


def chosen(recipe: Recipe) -> None:
    """What the recipe chooses; where it cannot be read, what is wrong and where."""
    try:
        with st.spinner("Choosing"):
            recipe = choice.resolved(recipe)
            found = choice.before_duplicates(recipe)
    except FilterError as error:
        st.error("This filter cannot be read:")
        place = min(error.position, len(recipe.where))
        line = " ".join(plain(recipe.where).splitlines())
        st.code(f"{line}\n{' ' * place}^\n{plain(str(error))}", language=None, wrap_lines=True)
    except (annotations.BadEntry, NoSuchSubset, NotMeasured) as error:
        st.error("This cannot be chosen:")
        st.text(plain(str(error)))
    else:
        result(recipe, found)


def result(recipe: Recipe, before: Choice) -> None:
    """How many are left after each step, the rows, and a form to keep them.

    before: what is left before duplicates are looked for
    """
    title = st.container()
    found = choice.chosen(recipe)
    known = found or before
    tokens = "" if known.tokens is None else f", {known.tokens:,} tokens"
    title.subheader(f"{len(known.ids):,} rows{tokens}{'' if found else ', duplicates among them'}")
    steps = {plain(step.name): step.left for step in known.steps}
    st.altair_chart(charts.funnel(steps, session.ink()))
    table(
        [{"step": step.name, "taken away": step.taken, "left": step.left} for step in known.steps]
    )
    if found is None:
        return
    if not found.ids:
        st.info("No row is left. Take a step back, or widen the filter.")
        return
    if session.may_write():
        _save(recipe, found)
    pages = -(-len(found.ids) // PAGE)
    number = min(session.number("page"), pages)
    ids = tuple(found.ids[(number - 1) * PAGE : number * PAGE])
    rows = session.answer(_page, to_json(recipe), ids)
    table(_readable(rows), most=12)
    facets.pages(number, pages)


def _save(recipe: Recipe, found: Choice) -> None:
    with st.form("save subset", border=False):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input("Name of the subset", max_chars=100)
        sent = right.form_submit_button("Save", type="primary", width="stretch")
    if not sent:
        return
    before = subset_choice.kinds()
    try:
        kept, _ = curation.save(session.store(), name, recipe, session.author(), found)
    except annotations.BadEntry as error:
        st.error("It could not be saved.")
        st.text(plain(str(error)))
        return
    knob = "data.subset" if recipe.of == "records" else "data.problem_subset"
    if kept.label in before:
        st.info("This version is kept already: nothing differs from it.")
    else:
        st.success("Saved.")
    st.text(plain(f"{kept.label}: {len(kept.ids):,} rows"))
    verb = "sft" if recipe.of == "records" else "grpo"
    st.link_button("Train from it", f"train?{urlencode({'verb': verb, knob: kept.label})}")


def _fields(fields: dict[str, Field]) -> None:
    asked = session.folded("What can be asked", "fields")
    if asked.open:
        rows = [{"field": n, "holds": one.kind, "means": one.means} for n, one in fields.items()]
        table(rows, into=asked)
        asked.text('=  !=  <  <=  >  >=  in (a, b)  contains "text"  is known  is unknown')
        asked.text("and  or  not  ( )    0 < pass_rate < 1    words with blanks in quotes")


def _readable(rows: pl.DataFrame) -> pl.DataFrame:
    """Lists as text, and the id last."""
    lists = [name for name, kind in rows.schema.items() if isinstance(kind, pl.List)]
    joined = rows.with_columns(pl.col(lists).list.join(", ")) if lists else rows
    return joined.select(pl.exclude("id"), "id")


def _page(store: Store, recipe: str, ids: tuple[str, ...]) -> pl.DataFrame:
    return curation.page(store, of_json(recipe), list(ids), 1, PAGE)


def _sources(store: Store) -> list[str]:
    found = ask(store, "select distinct source from conversions order by source")
    return found["source"].to_list()


def _runs(store: Store) -> list[str]:
    """Runs whose verdicts problems can be chosen by, the newest first."""
    found = ask(
        store,
        """
        select run from runs where event = 'done' and kind in ('grpo', 'eval', 'import')
        order by ended_at desc, run
        """,
    )
    return found["run"].to_list()


def _text(name: str, label: str, box: Any, **more: Any) -> str:
    _kept(name, session.said(name)[: more.get("max_chars", 100)])
    return box(label, key=f"curate {name}", on_change=_keep, args=(name,), **more)


def _whole(name: str, label: str) -> int:
    """A number box that the address keeps; 0 where nothing is said."""
    _kept(name, session.number(name, 0, 0))
    return st.number_input(label, 0, 999_999_999, key=f"curate {name}", on_change=_keep,
                           args=(name,))  # fmt: skip


def _kept(name: str, value: Any) -> None:
    st.session_state[f"curate {name}"] = value


def _keep(name: str) -> None:
    value = st.session_state[f"curate {name}"]
    said = value if isinstance(value, list) else str(value or "")
    session.go({name: said, "page": None})


def _narrowed(filter: str) -> str:
    """The filter of the address, narrowed by one of the common ones."""
    said = session.said("where").strip()
    return f"({said}) and {filter}" if said else filter
