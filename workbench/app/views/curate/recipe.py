"""The recipe form of the Curate page: sources, filter, duplicates, and advanced options."""

from dataclasses import replace
from typing import Any

import streamlit as st

from data.store import ANSWERS, Store, ask
from data.subsets import DUPLICATES, FIELDS as RECORD_FIELDS, KINDS, OF_TEXTS, Field, Recipe
from evals.curation import FIELDS as PROBLEM_FIELDS
from workbench.app import address, state
from workbench.app.components import choices, plain
from workbench.app.components.table import table
from workbench.app.views.curate import result, subset_labels

PAGED = ("page",)
ADVANCED = ("parent", "of_run", "sample", "tokens", "seed")
LONGEST = 2_000  # characters of a filter
COMMON = {
    "records": {
        "no defects": "not severity in (error, warning)",
        "short reasoning": "reasoning_chars < 2000",
        "single answer": 'defect != "two answers"',
        "exclude test split": "split != test",
    },
    "problems": {
        "sometimes correct": "0 < pass_rate < 1",
        "never correct": "pass_rate = 0",
        "learnable": "band = learnable",
        "never sampled": "pass_rate is unknown",
    },
}


def build() -> None:
    """The recipe on the left; on the right what it chooses."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        recipe = form()
    with right:
        result.chosen(recipe)


def form() -> Recipe:
    """The recipe that the address describes, with widgets to change it."""
    of = _kind()
    names = state.query(_sources, reads=("conversions",))
    sources = [name for name in st.query_params.get_all("source") if name in names]
    _set("source", sources)
    st.multiselect("Sources", names, key="curate source", on_change=_keep, args=("source",),
                   placeholder="All", select_all=False)  # fmt: skip
    choices.warn_missing("source", names, "that source is left out")
    where = _text("where", "Filter", st.text_area, height=90, max_chars=LONGEST,
                  placeholder="all rows; as in: " + next(iter(COMMON[of].values())))  # fmt: skip
    _common_filters(of)
    if len(address.value("where")) > LONGEST:
        st.warning(f"The filter in the address is cut at {LONGEST:,} characters.")
    _fields(RECORD_FIELDS if of == "records" else PROBLEM_FIELDS)
    first, second = st.columns(2)
    duplicates = choices.choose(
        first.selectbox, "Duplicates", list(DUPLICATES), "duplicates", clears=PAGED
    )
    by = "example"
    if of == "records":
        by = choices.choose(
            second.selectbox, "Compare by", list(OF_TEXTS), "by", clears=PAGED, format_func=_texts
        )
    recipe = Recipe(of=of, sources=tuple(sources), where=where, duplicates=duplicates, by=by)
    # open if a link sets any of it: what restricts the rows must be visible
    label = "Advanced: parent subset, run, sampling"
    with st.expander(label, expanded=any(map(address.value, ADVANCED))):
        return _advanced(recipe)


def _texts(name: str) -> str:
    return "prompt + answer" if name == "example" else name


def _kind() -> str:
    """Records or problems. Their fields differ, so the address keeps a filter for each."""
    key = "curate of"
    st.session_state[key] = address.one_of("of", KINDS)
    st.segmented_control("Rows", list(KINDS), key=key, required=True, on_change=_change_kind)
    return st.session_state[key]


def _change_kind() -> None:
    """Go to the other kind of rows: `where` is the filter of the kind shown, `aside` the other."""
    of = st.session_state["curate of"]
    if of != address.one_of("of", KINDS):
        aside, where = address.value("aside"), address.value("where")
        address.go({"of": of, "where": aside, "aside": where[:LONGEST], "page": None})


def _common_filters(of: str) -> None:
    """Buttons that narrow the filter by a common condition."""
    columns = st.columns(2)
    for nth, (label, condition) in enumerate(COMMON[of].items()):
        longer = _narrowed(condition)
        columns[nth % 2].button(label, on_click=address.go, help=condition, width="stretch",
                                args=({"where": longer, "page": None},),
                                disabled=len(longer) > LONGEST)  # fmt: skip


def _narrowed(condition: str) -> str:
    """The filter of the address, narrowed by `condition`."""
    where = address.value("where").strip()
    return f"({where}) and {condition}" if where else condition


def _fields(fields: dict[str, Field]) -> None:
    reference = choices.fold("Filter reference", "fields")
    if reference.open:
        rows = [{"field": n, "type": one.kind, "meaning": one.means} for n, one in fields.items()]
        table(rows, into=reference)
        reference.text('=  !=  <  <=  >  >=  in (a, b)  contains "text"  is known  is unknown')
        reference.text("and  or  not  ( )    0 < pass_rate < 1    words with blanks in quotes")


def _advanced(recipe: Recipe) -> Recipe:
    parents = subset_labels.of_kind(recipe.of)
    parent = choices.choose(
        st.selectbox,
        "Restrict to subset",
        ["", *parents],
        "parent",
        format_func=plain,
        clears=PAGED,
        missing="rows are chosen from all rows",
    )
    run = ""
    if recipe.of == "problems":
        runs = state.query(_runs, reads=("runs", "rollouts"))
        run = choices.choose(st.selectbox, "Pass rates from run", ["", *runs], "of_run",
                             clears=PAGED,
                             format_func=lambda name: state.name_of(name) if name else
                             "the newest finished GRPO run")  # fmt: skip
    left, middle, right = st.columns(3)
    with left:
        sample = _whole("sample", "Sample size")
    with middle:
        tokens = 0 if recipe.of == "problems" else _whole("tokens", "Token budget")
    with right:
        seed = _whole("seed", "Seed")
    return replace(recipe, parent=parent, run=run, sample=sample, tokens=tokens, seed=seed)


def _sources(store: Store) -> list[str]:
    rows = ask(store, "select distinct source from conversions order by source")
    return rows["source"].to_list()


def _runs(store: Store) -> list[str]:
    """Runs whose pass rates can be filtered by, the newest first."""
    rows = ask(
        store,
        """
        select run from runs
        where event = 'done' and list_contains($kinds, kind)
        order by ended_at desc, run
        """,
        kinds=("grpo", *ANSWERS),
    )
    return rows["run"].to_list()


def _text(name: str, label: str, widget: Any, **options: Any) -> str:
    _set(name, address.value(name)[: options.get("max_chars", 100)])
    return widget(label, key=f"curate {name}", on_change=_keep, args=(name,), **options)


def _whole(name: str, label: str) -> int:
    """A number widget that the address keeps; 0 by default."""
    _set(name, address.number(name, 0, 0))
    return st.number_input(label, 0, 999_999_999, key=f"curate {name}", on_change=_keep,
                           args=(name,))  # fmt: skip


def _set(name: str, value: Any) -> None:
    st.session_state[f"curate {name}"] = value


def _keep(name: str) -> None:
    value = st.session_state[f"curate {name}"]
    address.go({name: value if isinstance(value, list) else str(value or ""), "page": None})
