"""Generations of one problem side by side, with their verdicts, error types and texts."""

import re
from itertools import islice
from typing import Any

import streamlit as st

from data.audit import Mark
from workbench.app import state
from workbench.app.browse import LABELS, NO_ERROR, NOT_CATEGORISED, detail
from workbench.app.components.diff import differing
from workbench.app.components.latex import is_harmless
from workbench.app.components.reading import DIFFERENCES, RAW, is_raw, show_text, switches
from workbench.app.components.rendered import markdown
from workbench.app.components.text import LONGEST, plain

MOST_HITS = 500
VERDICT = {"right": "✓ correct", "wrong": "✗ incorrect", "unknown": "? unknown"}


def problem(problem_id: str, run: str = "") -> None:
    """The question and the reference answer, as they are stored. run: that is graded by them"""
    stored = state.query(detail.problem, problem_id, run, reads=("problems",))
    if stored["question"] is None:
        st.text(plain(f"Problem {problem_id}"))
        st.warning("Problem missing from the store: its question and reference answer are unknown.")
        return
    show_text(stored["question"], name=plain(f"problem {problem_id}"), raw=is_raw())
    gold = plain(stored["gold"])[:LONGEST]
    if not is_raw() and "\\" in gold and is_harmless(gold):
        st.markdown("Reference answer: " + markdown(f"\\({gold}\\)"))
    else:
        st.text(f"Reference answer: {gold}")


def side_by_side(
    rows: list[dict[str, Any]], chosen: dict[str, Any] | None = None, searched: str = ""
) -> None:
    """Rows of `browse.pages.page`, all of one problem, with their texts.

    chosen: has a border   searched: words that are marked where they stand
    """
    ids, runs = [row["generation_id"] for row in rows], [row["run"] for row in rows]
    of_problem = (rows[0]["problem_id"], ids, runs)
    stored = state.query(detail.texts, *of_problem, reads=("generations",))
    evidence = state.query(detail.evidence, *of_problem, reads=("failures",))
    shown = switches(DIFFERENCES, RAW)
    texts = [stored[one]["text"] for one in ids if one in stored]
    for column, row in zip(st.columns(len(rows)), rows, strict=True):
        with column.container(border=row is chosen):
            generation = stored.get(row["generation_id"])
            is_right = row["correct"] == "right"  # a correct row has no errors to mark
            marks = _marks(generation, [] if is_right else evidence.get(row["generation_id"], []))
            if DIFFERENCES in shown and generation is not None:
                marks = _differences(generation["text"], texts)
            if generation is not None:
                marks = [*marks, *_hits(generation["text"], searched)]
            _one(row, generation, marks, raw=bool(shown))  # what differs counts by character


def _differences(text: str, texts: list[str]) -> list[Mark]:
    """Where a text differs from the first of `texts`; for the first itself, from the second."""
    if text != texts[0]:
        return differing(text, texts[0])
    return differing(text, texts[1]) if len(texts) > 1 else []


def _hits(text: str, searched: str) -> list[Mark]:
    """The first MOST_HITS places of a text that have the searched words, letter for letter."""
    hits = re.finditer(re.escape(searched), text) if searched else iter(())
    return [Mark(*hit.span(), "search hit") for hit in islice(hits, MOST_HITS)]


def _marks(stored: dict[str, Any] | None, evidence: list[dict[str, Any]]) -> list[Mark]:
    # a mark over the whole text would say nothing
    length = len(stored["text"]) if stored else 0
    return [
        Mark(one["start"], one["end"], str(LABELS.get(one["name"], one["name"])))
        for one in evidence
        if one["end"] - one["start"] < length
    ]


def _one(row: dict[str, Any], stored: dict[str, Any] | None, marks: list[Mark], raw: bool) -> None:
    st.header(VERDICT[row["correct"]], anchor=False)
    answer = f"answer {row['extracted']}" if row["extracted"] else "no extracted answer"
    parts = [answer, LABELS.get(row["format"], f"format {row['format']}")]
    parts += [] if row["tokens"] is None else [f"{row['tokens']:,} tokens"]
    stop = "not recorded" if row["finish"] == "unknown" else row["finish"]
    lines = [
        f"{row['stage']} · {row['run']} · sample {row['sample']}",
        " · ".join([*parts, f"stop reason {stop}"]),
        *(LABELS.get(name, name) for name in row["categories"]
          if name not in (NO_ERROR, NOT_CATEGORISED)),
    ]  # fmt: skip
    st.text("\n".join(map(plain, lines)))
    if stored is None:
        st.warning("The store has no text of this generation, only its scores.")
        return
    show_text(stored["text"], marks, raw=raw)
