"""The sidebar: links to the pages with counts, the store, the running job, help and keys."""

from importlib.metadata import version
from typing import Any

import streamlit as st

from data.store import Store, ask, folder_of, jobs
from data.store.files import StoreError
from workbench.app import address, state
from workbench.app.components import plain
from workbench.app.frame.errors import explained
from workbench.app.frame.help import help_and_keys
from workbench.app.frame.pages import PAGES
from workbench.jobs import read_progress

EVERY = 2.0  # [s] between two looks at a running job
LONGEST = 46  # characters of the path of a store
COUNTED = ("runs", "records", "generations", "rollouts", "subsets")  # tables


def draw_sidebar(current: str, pages: dict[str, Any]) -> None:
    """Draw the sidebar beside the page whose path is `current`.

    A link leads to what its page last showed to this person; that of the current page starts anew.
    """
    with st.sidebar:
        numbers = _numbers()
        with st.container(gap="xxsmall"):
            for page in PAGES:
                query = {} if page.path == current else address.last_of(page.path)
                number = numbers.get(page.counts)
                label = f"{page.title} :small[{number:,}]" if number else page.title
                st.page_link(
                    pages[page.path],
                    label=label,
                    icon=f":material/{page.icon}:",
                    help="" if number is None else f"{number:,} {page.counts}",
                    query_params=query,
                )
        if numbers:
            _running_job(pages["train"])
        _store()
        help_and_keys()


def _numbers() -> dict[str, int]:
    """Table -> its rows; empty without a store and where the store cannot be read.

    The page itself says then what is wrong.
    """
    if not state.exists():
        return {}
    try:
        return {table: state.query(_count, table, reads=(table,)) for table in COUNTED}
    except StoreError:
        return {}


def _count(store: Store, table: str) -> int:
    return ask(store, f"select count(*) from {table}").item()


def _running_job(page: Any) -> None:
    alive = [job.job for job in jobs.live_jobs(state.store())]
    if alive:
        st.fragment(explained()(_progress), run_every=EVERY)(alive, page)


def _progress(alive: list[str], page: Any) -> None:
    """The oldest of the jobs that were alive; once one ends, the whole page shows what it made."""
    store = state.store()
    if [job.job for job in jobs.live_jobs(store)] != alive:
        st.rerun(scope="app")
    job = jobs.job_of(store, alive[0])
    work = read_progress(folder_of(store, job.job) / "progress.json")["work"]
    unfinished = [(name, one) for name, one in work.items() if one["step"] < one["of"]]
    more = f", {len(alive) - 1} more" if len(alive) > 1 else ""
    st.page_link(
        page,
        label=f"{job.verb}: {job.state}{more}",
        icon=":material/play_arrow:",
        query_params={"job": job.job},
    )
    if unfinished:
        name, one = unfinished[-1]
        st.progress(one["step"] / one["of"], f"{plain(name)}: {one['step']:,} of {one['of']:,}")


def _store() -> None:
    folder = str(state.folder())
    shown = folder if len(folder) <= LONGEST else f"…{folder[-LONGEST:]}"
    with st.container(gap="xxsmall"):
        st.markdown("**Store**")
        st.text(plain(f"{state.folder().name}\n{shown}"))
        if not state.may_write():
            st.badge("Read-only", icon=":material/lock:", color="orange")
        st.caption(f"thinkbench {version('thinkbench')}")
