"""What people do with jobs, in a real browser on the real app: what they see after a press."""

import re

from data.store import jobs
from tests.support.browsing import needs_browser, ready, served

pytestmark = needs_browser
WRONG = ["sft", "--preset", "none such"]  # ends within seconds, and never trains


def heading(page, state: str):
    return page.get_by_role("heading", name=re.compile(f"{state}$"))


def test_a_job_that_is_started_again_is_the_one_that_is_seen(page, store):
    lost, _ = jobs.submit(store, WRONG, "ana")
    jobs.ended(store, lost.job, "lost", None, "It has gone.")
    with served(store.folder) as address:
        page.goto(f"{address}/train?job={lost.job}")
        ready(page)
        heading(page, "interrupted").wait_for()
        page.get_by_role("button", name="Resume").click()
        heading(page, "failed").wait_for()  # without a reload, to its end
        page.get_by_text("there is no preset 'none such'").first.wait_for()
        assert heading(page, "interrupted").count() == 0
        again, _ = jobs.jobs(store)
        assert page.url.endswith(f"job={again.job}")
