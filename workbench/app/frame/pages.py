"""The pages of the app, in the order in which data flows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

VIEWS = Path(__file__).parents[1] / "views"


@dataclass(frozen=True)
class Page:
    """path: in the address, "" for the first page   counts: what the sidebar counts on it"""

    path: str
    title: str
    icon: str
    file: str
    counts: str = ""


PAGES = (
    Page("", "Overview", "monitoring", "overview.py", "runs"),
    Page("audit", "Audit", "fact_check", "audit/page.py", "records"),
    Page("failures", "Generations", "search", "failures/page.py", "generations"),
    Page("rollouts", "Rollouts", "timeline", "rollouts/page.py", "rollouts"),
    Page("compare", "Compare", "compare_arrows", "compare/page.py"),
    Page("judge", "Judges", "gavel", "judge/page.py"),
    Page("curate", "Curate", "filter_alt", "curate/page.py", "subsets"),
    Page("lineage", "Lineage", "account_tree", "lineage/page.py"),
    Page("playground", "Playground", "forum", "playground/page.py"),
    Page("train", "Train", "model_training", "train/page.py"),
)


def pages_of_app() -> dict[str, Any]:
    """Path -> the page, for `st.navigation`.

    Without their icons, which the sidebar shows: the browser would fetch the icon of a page from
    another machine, to show it beside the title of the window.
    """
    return {
        page.path: st.Page(
            VIEWS / page.file, title=page.title, url_path=page.path, default=not page.path
        )
        for page in PAGES
    }
