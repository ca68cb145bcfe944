"""Previous and Next: buttons, and the keys Left, Right, j, k; no key press is lost, however quick.

The browser changes the position at once, and reports it after the last of many presses: if each
press asked for a page of its own, some would be overtaken and lost. The keys of the Generations
page, which also show and tag rows in the browser, are in workbench/app/views/failures/keyboard.py.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from workbench.app import address

KEY, RECEIVED = "position among rows", "presses received"

STYLE = """
:host { scroll-margin-top: 4rem; }
div { font-family: var(--st-font); color: var(--st-text-color); font-size: 1rem; }
.keys { opacity: 0.75; margin-left: 1rem; }
"""

# `sent` counts presses, and Python answers with the last that it has received. Until that is the
# newest, the position that Python shows is old, and the browser's own position counts.
SCRIPT = """
const QUIET = 150, LONGEST_WAIT = 600  // ms without a press, and with presses, before a report
const TYPING = "input, textarea, select, [contenteditable], [role=slider], [role=tab]"
const counters = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  let counter = counters.get(parentElement)
  if (!counter) counters.set(parentElement, (counter = begin(parentElement)))
  counter.receive(data, setStateValue)
  document.addEventListener("keydown", counter.press)
  document.addEventListener("pointerdown", counter.reportNow)
  return () => {
    document.removeEventListener("keydown", counter.press)
    document.removeEventListener("pointerdown", counter.reportNow)
  }
}

function begin(root) {
  const card = document.createElement("div")
  const shown = card.appendChild(document.createElement("span"))
  const keys = card.appendChild(document.createElement("span"))
  shown.setAttribute("aria-live", "polite")
  Object.assign(keys, { className: "keys", textContent: "← → or j k" })
  let data, setStateValue, at, waits, since, sent = 0

  function draw() {
    shown.textContent = `${at.toLocaleString("en")} of ${data.of.toLocaleString("en")}`
    if (!card.isConnected) root.append(card)
  }

  function bringIntoView() {  // the row is below, which the keys change: it must be seen
    const { top, bottom } = card.getBoundingClientRect()
    if (bottom < 0 || top > 0.6 * window.innerHeight)
      (root.host ?? root).scrollIntoView({ block: "start" })
  }

  function receive(received, set) {
    if (data?.rows !== received.rows) since = at = undefined  // the presses were for other rows
    data = received
    setStateValue = set
    sent = Math.max(sent, data.received)
    if (at === undefined || data.received === sent) at = data.at
    draw()
  }

  function reportNow() {
    clearTimeout(waits)
    if (since === undefined) return
    since = undefined
    setStateValue("report", { sent, at, rows: data.rows })
  }

  function press(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1, j: 1, k: -1 }[event.key]
    const target = event.composedPath()[0]
    if (!by || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    if (target.closest?.(TYPING)) return
    event.preventDefault()
    if (at + by < 1 || at + by > data.of) return
    at += by
    sent += 1
    draw()
    bringIntoView()
    const now = performance.now()
    since ??= now
    clearTimeout(waits)
    waits = setTimeout(reportNow, Math.min(QUIET, Math.max(0, since + LONGEST_WAIT - now)))
  }

  return { receive, press, reportNow }
}
"""


def buttons(
    columns: Sequence[Any],
    move: Callable[[int], None],
    *,
    before: bool,
    after: bool,
    what: str = "row",
    keys: bool = True,
) -> None:
    """Buttons "Previous row" and "Next row", which call `move` with -1 and 1.

    columns: the two to draw in   before, after: whether there is a row in that direction
    what:    the noun of the labels   keys: whether the arrow keys do the same
    """
    ways = (("Previous", -1, before, "←"), ("Next", 1, after, "→"))
    for column, (label, by, enabled, arrow) in zip(columns, ways, strict=True):
        column.button(
            f"{label} {what}",
            disabled=not enabled,
            help=f"or the key {arrow}" if keys else None,
            on_click=move,
            args=(by,),
            width="stretch",
        )


def position(at: int, of: int, rows: str, go: Callable[[int], None]) -> None:
    """`at` of `of`, counted from 1; the keys Left and Right change it and then call `go` with it.

    rows: identifies these rows; presses that were meant for other rows are dropped
    """
    _component()(
        key=KEY,
        data={"at": at, "of": of, "rows": rows, "received": st.session_state.get(RECEIVED, 0)},
        on_report_change=lambda: _receive(of, rows, go),
    )


def page_buttons(number: int, of: int) -> None:
    """Buttons to turn pages; the address keeps which page is shown."""
    if of == 1:
        return

    def turn(by: int) -> None:
        address.go({"page": str(number + by), "generation": None})

    # wide enough for the labels on the half page of Curate
    before, after, where = st.columns([3, 3, 8], vertical_alignment="center")
    buttons((before, after), turn, before=number > 1, after=number < of, what="page", keys=False)
    where.text(f"Page {number:,} of {of:,}")


@functools.cache
def _component() -> Any:
    return component("thinkbench_presses", css=STYLE, js=SCRIPT)


def _receive(of: int, rows: str, go: Callable[[int], None]) -> None:
    report = st.session_state[KEY].get("report") or {}
    if report.get("sent", 0) <= st.session_state.get(RECEIVED, 0):
        return
    st.session_state[RECEIVED] = report["sent"]
    if report["rows"] == rows:
        go(min(max(int(report["at"]), 1), of))
