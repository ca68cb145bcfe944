"""What all pages share: an answer is computed again only when what it reads has changed."""

from data.store import annotations
from tests.support.evaluation import evaluate
from workbench.app import state
from workbench.app.browse.filter import Filter
from workbench.cli.main import COMMANDS
from workbench.formatting.store_commands import VERBS


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


def test_commands_in_messages_name_the_store_of_the_app_and_other_words_stay(here, monkeypatch):
    monkeypatch.setenv("THINKBENCH_STORE", "/a b/store")
    message = "This thinkbench reads format 2. List them: thinkbench runs list"
    assert state.readable_error(message) == (
        "This thinkbench reads format 2. List them: thinkbench --store '/a b/store' runs list"
    )


def test_commands_in_messages_are_those_of_the_command_line():
    assert {command.name for command in COMMANDS} == set(VERBS)
