"""What all pages share: answers are asked for again only when what they read has changed."""

from data.store import annotations
from tests.workbench.app.test_main import evaluate
from workbench.app import state as session
from workbench.app.browse.filter import Filter


def test_a_tag_makes_only_those_answers_old_that_tell_of_tags(show, here):
    evaluate(here, "eval-base", "base", ["7", "1"])
    asked = []

    def question(index, store, filter: Filter, about: str) -> int:
        asked.append(about)
        return len(asked)

    def ask_all() -> None:
        session.browsed(question, Filter(), "rows")
        session.browsed(question, Filter(chosen={"tag": ("odd",)}), "rows of a tag")
        session.browsed(question, Filter(), "tags", tags=True)

    ask_all()
    annotations.tag(here, "generation", "p0:eval-base", "odd", "ana")
    ask_all()
    ask_all()
    assert asked == ["rows", "rows of a tag", "tags", "rows of a tag", "tags"]
    evaluate(here, "eval-sft", "sft", ["7", "1"])
    session.browsed(question, Filter(), "rows")
    assert asked[5:] == ["rows"]
