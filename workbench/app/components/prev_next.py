"""Left and Right through numbered rows: no press is lost, however quickly they come.

The browser moves its place at once, and tells where it has come to after the last press of many:
each asking for a page of its own, some would be overtaken and forgotten. What needs the rows
themselves at once, or tags them, is workbench/app/components/keyboard.py.
"""

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

KEY, HEARD = "place among rows", "presses heard"

STYLE = """
div { font-family: var(--st-font); color: var(--st-text-color); font-size: 1rem; }
.keys { opacity: 0.6; margin-left: 1rem; }
"""

# `said` counts presses, and Python answers with the last that it has heard: until that is the
# newest, the place that Python shows is old, and the browser's own counts.
SCRIPT = """
const QUIET = 150, LONGEST_WAIT = 600  // ms without a press, and with presses, before it is told
const TYPING = "input, textarea, select, [contenteditable], [role=slider], [role=tab]"
const counters = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  let counter = counters.get(parentElement)
  if (!counter) counters.set(parentElement, (counter = begin(parentElement)))
  counter.hear(data, setStateValue)
  document.addEventListener("keydown", counter.press)
  document.addEventListener("pointerdown", counter.tellNow)
  return () => {
    document.removeEventListener("keydown", counter.press)
    document.removeEventListener("pointerdown", counter.tellNow)
  }
}

function begin(root) {
  const card = document.createElement("div")
  const shown = card.appendChild(document.createElement("span"))
  const keys = card.appendChild(document.createElement("span"))
  shown.setAttribute("aria-live", "polite")
  Object.assign(keys, { className: "keys", textContent: "← →" })
  let data, setStateValue, at, waits, since, said = 0

  function draw() {
    shown.textContent = `${at.toLocaleString("en")} of ${data.of.toLocaleString("en")}`
    if (!card.isConnected) root.append(card)
  }

  function hear(heard, set) {
    if (data?.rows !== heard.rows) since = at = undefined  // presses were meant for others
    data = heard
    setStateValue = set
    said = Math.max(said, data.heard)
    if (at === undefined || data.heard === said) at = data.at
    draw()
  }

  function tellNow() {
    clearTimeout(waits)
    if (since === undefined) return
    since = undefined
    setStateValue("told", { said, at, rows: data.rows })
  }

  function press(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const target = event.composedPath()[0]
    if (!by || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    if (target.closest?.(TYPING)) return
    event.preventDefault()
    if (at + by < 1 || at + by > data.of) return
    at += by
    said += 1
    draw()
    const now = performance.now()
    since ??= now
    clearTimeout(waits)
    waits = setTimeout(tellNow, Math.min(QUIET, Math.max(0, since + LONGEST_WAIT - now)))
  }

  return { hear, press, tellNow }
}
"""


def place(at: int, of: int, rows: str, go: Callable[[int], None]) -> None:
    """`at` of `of`, counted from 1, where Left and Right move it and then call `go` with it.

    rows: what tells these rows from others; presses that were meant for those are forgotten
    """
    _component()(
        key=KEY,
        data={"at": at, "of": of, "rows": rows, "heard": st.session_state.get(HEARD, 0)},
        on_told_change=lambda: _hear(of, rows, go),
    )


@functools.cache
def _component() -> Any:
    return component("thinkbench_presses", css=STYLE, js=SCRIPT)


def _hear(of: int, rows: str, go: Callable[[int], None]) -> None:
    told = st.session_state[KEY].get("told") or {}
    if told.get("said", 0) <= st.session_state.get(HEARD, 0):
        return
    st.session_state[HEARD] = told["said"]
    if told["rows"] == rows:
        go(min(max(int(told["at"]), 1), of))
