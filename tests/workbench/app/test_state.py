"""What all pages share: an answer is computed again only when what it reads has changed."""

from data.store import annotations
from tests.support.evaluation import evaluate
from workbench.app import state
from workbench.app.browse.filter import Filter


def test_a_tag_makes_only_those_answers_old_that_tell_of_tags(show, here):
    evaluate(here, "eval-base", "base", ["7", "1"])
    computed = []

    def question(index, store, where: Filter, about: str) -> int:
        computed.append(about)
        return len(computed)

    def ask_all() -> None:
        state.query_index(question, Filter(), "rows")
        state.query_index(question, Filter(chosen={"tag": ("odd",)}), "rows of a tag")
        state.query_index(question, Filter(), "tags", tags=True)

    ask_all()
    annotations.tag(here, "generation", "p0:eval-base", "odd", "ana")
    ask_all()
    ask_all()
    assert computed == ["rows", "rows of a tag", "tags", "rows of a tag", "tags"]
    evaluate(here, "eval-sft", "sft", ["7", "1"])
    state.query_index(question, Filter(), "rows")
    assert computed[5:] == ["rows"]
