"""Help and the sheet of keys, which `?` opens on every page."""

import functools
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

HELP = """
Data flows through the pages from top to bottom:

- **Audit**: which rows were converted, which were not, and why.
- **Generations**: answers of models, filtered; one problem beside its other stages.
- **Rollouts**: what GRPO sampled, its rewards, and signs of collapse.
- **Compare**: two runs on the same problems, with paired tests.
- **Curate**: choose rows for training, and save them as a version of a subset.
- **Lineage**: where a text came from.
- **Playground**: one question to several models, side by side.
- **Train**: start a run, and follow it.

The address of a page holds every choice: a copied link shows the same again.
Each page has its command: `thinkbench --help`.
"""
# place -> key -> what it does
KEYS = {
    "All pages": {"?": "this sheet", "← →": "previous and next row"},
    "Generations": {
        "j k": "next and previous row",
        "t": "tag the row; Enter adds the tag, Esc leaves it",
        "Shift+T": "the last tag once more",
        "o Enter": "scroll to the texts, and back",
    },
}

STYLE = """
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); cursor: pointer;
  background: none; border: 1px solid var(--st-border-color); border-radius: 0.375rem;
  padding: 0.45rem 0.6rem; width: 100%; }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
dialog { font-family: var(--st-font); color: var(--st-text-color); border-radius: 0.5rem;
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  padding: 1rem 1.5rem; min-width: 24rem; }
dialog::backdrop { background: rgba(0, 0, 0, 0.4); }
h2 { font-size: 1.2rem; margin: 0 0 0.5rem; }
h3 { font-size: 0.9rem; margin: 0.75rem 0 0.25rem; }
dl { display: grid; grid-template-columns: 6rem 1fr; gap: 0.25rem 1rem; margin: 0 0 1rem; }
dd { margin: 0; }
kbd { font: inherit; font-weight: 600; }
"""

SCRIPT = """
const TYPING = "input, textarea, select, [contenteditable]"

export default function ({ parentElement, data }) {
  let sheet = parentElement.querySelector("dialog")
  if (!sheet) sheet = draw(parentElement, data)
  function press(event) {
    const target = event.composedPath()[0]
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey) return
    if (target.closest?.(TYPING)) return
    event.preventDefault()
    if (sheet.open) sheet.close()
    else sheet.showModal()
  }
  // of all that were drawn the last one listens: two would open the sheet and close it again
  document.removeEventListener("keydown", window.thinkbenchSheet)
  window.thinkbenchSheet = press
  document.addEventListener("keydown", press)
  return () => document.removeEventListener("keydown", press)
}

function add(parent, tag, text) {
  const element = parent.appendChild(document.createElement(tag))
  if (text) element.textContent = text
  return element
}

function draw(root, data) {
  const opens = add(root, "button", "Keys  ?")
  const sheet = add(root, "dialog")
  sheet.setAttribute("aria-label", "Keys")
  add(sheet, "h2", "Keys")
  for (const [place, keys] of Object.entries(data.keys)) {
    add(sheet, "h3", place)
    const list = add(sheet, "dl")
    for (const [key, does] of Object.entries(keys)) {
      add(add(list, "dt"), "kbd", key)
      add(list, "dd", does)
    }
  }
  const closes = add(sheet, "button", "Close")
  opens.onclick = () => sheet.showModal()
  closes.onclick = () => sheet.close()
  return sheet
}
"""


def help_and_keys() -> None:
    """A button for each of them."""
    left, right = st.columns(2)
    with left.popover("Help", width="stretch"):
        st.markdown(HELP)
    with right:
        _component()(key="sheet of keys", data={"keys": KEYS})


@functools.cache
def _component() -> Any:
    return component("thinkbench_sheet", css=STYLE, js=SCRIPT)
