"""Widgets whose value is kept in the address: one choice, several, tabs, and folds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from workbench.app import address
from workbench.app.components.text import plain


def choose(
    widget: Callable[..., Any],
    label: str,
    values: Sequence[str],
    name: str,
    *,
    default: str | None = None,
    pinned: bool = False,
    optional: bool = False,
    clears: Sequence[str] = (),
    missing: str | None = "the default is shown instead",
    **options: Any,
) -> Any:
    """A widget that picks one of `values` (st.selectbox or alike), kept in the address as `name`.

    pinned:   write the default into the address too, because it changes as runs are added, and a
              link must go on showing what it showed
    optional: pick none where the address names none
    clears:   names that another choice removes from the address, because they depend on it
    missing:  what the warning says is done if the address names a value that is not among `values`;
              None: no warning
    """
    key = f"pick {name}"
    if pinned and not address.value(name):
        default = next(iter(address.defaults().get(name, ())), default)
    value = None
    if not optional or address.value(name) in values:
        value = address.one_of(name, values, default)
    st.session_state[key] = value
    if pinned and value is not None and not address.value(name):
        address.set_default(name, [value])
    if missing is not None:
        warn_missing(name, values, missing)

    def keep() -> None:
        address.go({**dict.fromkeys(clears), name: st.session_state[key]})

    return widget(label, values, key=key, on_change=keep, **options)


def choose_several(
    widget: Callable[..., Any],
    label: str,
    values: Sequence[str],
    name: str,
    *,
    default: Sequence[str] = (),
    pinned: bool = False,
    **options: Any,
) -> list[str]:
    """A widget that picks some of `values` (st.multiselect, st.pills), kept in the address.

    They come in the order in which they were picked; an empty choice is kept as an empty value.
    default: where the address has none   pinned: as in `choose`
    """
    key = f"pick {name}"
    picked = address.parameters().get(name, address.defaults().get(name, default))
    chosen = list(dict.fromkeys(value for value in picked if value in values))
    st.session_state[key] = chosen
    if pinned and chosen and name not in address.parameters():
        address.set_default(name, chosen)
    warn_missing(name, values, "they are left out")

    def keep() -> None:
        address.go({name: st.session_state[key] or [""]})

    widget(label, values, key=key, on_change=keep, **options)
    return chosen


def warn_missing(name: str, values: Sequence[str], consequence: str) -> None:
    """Warn that the address names values that cannot be chosen here, and say what is done."""
    gone = [one for one in st.query_params.get_all(name) if one and one not in values]
    if gone:
        st.warning(f"The address names values that are not available here; {consequence}:")
        st.text(plain(", ".join(one[:200] for one in gone[:20])))


def tabs(labels: Mapping[str, str], name: str) -> Sequence[Any]:
    """Tabs; the address keeps which one is open. Fill only the tab whose `open` is true.

    labels: value in the address -> label of its tab
    """
    key = f"tab {name}"
    st.session_state[key] = labels[str(address.one_of(name, list(labels)))]
    values = {label: value for value, label in labels.items()}

    def keep() -> None:
        address.go({name: values[st.session_state[key]]})

    return st.tabs(list(labels.values()), key=key, on_change=keep)


def fold(label: str, name: str, *, default: bool = False) -> Any:
    """A block that can be collapsed; the address keeps whether it is open.

    Fill it only where its `open` is true: collapsed content costs the browser as much as visible
    content.
    """
    key = f"fold {name}"
    st.session_state[key] = address.value(name, _true_or_false(default)) == _true_or_false(True)

    def keep() -> None:
        now = st.session_state[key]
        address.go({name: None if now == default else _true_or_false(now)})

    return st.expander(label, key=key, on_change=keep)


def _true_or_false(value: bool) -> str:
    return "true" if value else "false"
