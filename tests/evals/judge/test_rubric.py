"""Rubrics: what a file may hold, what is wrong with it in words, and what makes another version."""

import pytest

from data.store.store import ask
from evals.judge.rubric import BadRubric, parse
from evals.judge.stored import add_rubric, judges, rubric_of, versions_of
from evals.scores.stored_grader import grader_in
from tests.support.judge import rubric

URL = "http://127.0.0.1:1/v1"


def test_a_rubric_has_defaults_and_prices():
    read = parse(rubric(URL, prompt_price=2, completion_price=10.0))
    assert (read.grader, read.scale, read.temperature, read.seed) == ("judge:check", "binary", 0, 0)
    assert read.cost(1_000_000, 100_000) == 3.0
    assert read.cost(None, 100) is None
    assert parse(rubric(URL)).cost(1, 1) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "the rubric is no TOML: Invalid value (at end of document)"),
        ('name = "a"\nprompt = "{completion}"', "the rubric has no model; expected at least name"),
        (rubric(URL, colour="red"), "the rubric has a field 'colour'; expected some of name,"),
        (rubric(URL, name="A b"), "name is 'A b'; expected 1 to 40 of a-z, 0-9"),
        (rubric(URL, prompt="judge"), "prompt has no {completion}; expected it where"),
        (rubric(URL, prompt="{completion} {gold}"), "the field {gold} in a form that is not known"),
        (rubric(URL, prompt="{completion!r}"), "the field {completion} in a form that is not"),
        (rubric(URL, prompt="{completion} }"), "prompt has a brace that closes or opens nothing"),
        (rubric(URL, scale="stars"), "scale is 'stars'; expected 'binary', 'rank' or the most"),
        (rubric(URL, scale=1), "scale is 1; expected 2 to 100 points."),
        (rubric(URL, scale=5), "threshold is 0; expected 2 to 5: the points from which"),
        (rubric(URL, scale=5, threshold=6), "threshold is 6; expected 2 to 5"),
        (rubric(URL, threshold=1), "threshold is for a scale of points, and scale is 'binary'."),
        (rubric(URL, scale=True), "scale is True; expected a text or a whole number."),
        (rubric(URL, temperature="hot"), "temperature is 'hot'; expected a whole number or"),
        (rubric(URL, max_tokens=0), "max_tokens is 0; expected a number from 1."),
        (rubric(URL, temperature=-1), "temperature is -1; expected a number from 0."),
        (rubric(URL, categories=["A b"]), "categories has 'A b'; expected short names"),
        (rubric(URL, url_env="X"), "the rubric has both url and url_env; expected one of them."),
        (rubric(""), "the rubric 'check' has no url; a judge is asked on a server, and expected"),
        (rubric(URL, limit_field="n"), "limit_field is 'n'; expected one of max_tokens,"),
        (rubric(URL, scale="rank", categories=["x"]), "categories are for one completion"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rubric_is_said_in_words(text, message):
    with pytest.raises(BadRubric) as error:
        parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://user:pw-secret@host/v1"},
        {"url": "http://user:pw-secret"},
        {"url": "pw-secret"},
        {"url": "http://host/v1?key=pw-secret"},
        {"url": ["pw-secret"]},
        {"api_key_env": "pw-secret"},
        {"api_key_env": ["pw-secret"]},
        {"api_key_env": "KEY\npw_secret"},
        {"url": "", "url_env": "http://user:pw-secret@host/v1"},
        {"api_key": "pw-secret"},
    ],
)
def test_a_secret_in_a_rubric_is_neither_stored_nor_repeated(store, fields):
    with pytest.raises(BadRubric) as error:
        add_rubric(store, rubric(**{"url": URL} | fields), "ann")
    assert "secret" not in str(error.value)
    assert ask(store, "select * from rubric_events").is_empty()


def test_what_decides_a_verdict_makes_another_version_and_nothing_else_does(store):
    first, is_new = add_rubric(store, rubric(URL), "ann")
    assert is_new
    moved, is_new = add_rubric(store, rubric("http://127.0.0.1:2/v1", concurrency=1), "bob")
    assert (moved.version, is_new) == (first.version, False)
    assert rubric_of(store, "judge:check").url == "http://127.0.0.1:2/v1"
    changed, is_new = add_rubric(store, rubric(URL, temperature=1), "bob")
    assert is_new
    assert grader_in(store, "judge:check").version == changed.version != first.version
    assert [row["version"] for row in versions_of(store, "check")] == [
        changed.version,
        first.version,
    ]
    [judge] = judges(store)
    assert (judge["grader"], judge["version"], judge["author"]) == (
        "judge:check",
        changed.version,
        "bob",
    )
    add_rubric(store, rubric(URL, temperature=1), "bob")
    assert ask(store, "select count(*) as n from rubric_events")["n"].item() == 3
