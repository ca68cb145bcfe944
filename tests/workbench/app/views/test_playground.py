"""The Playground page: a question to several models, their answers, verdicts, and keeping them."""

import time

from data.store import ask
from tests.support import hostile
from tests.support.served import chat, serving, streamed

SUM = "What is 2 + 3?"
RIGHT, WRONG = (f"<reasoning>r</reasoning>\n<answer>{n}</answer>" for n in (5, 6))


def finished(page):
    """The page once all models have answered."""
    for _ in range(200):
        page.run()
        if not any(button.label == "Stop" for button in page.button):
            return page
        time.sleep(0.05)
    raise AssertionError("the models have not answered")


def press(page, label: str):
    [button] = [button for button in page.button if button.label == label]
    button.click().run()
    assert not page.exception
    return page


def asked_of_servers(show, url: str, names: str, **address: str):
    """The page with a question to served models, whose names and URL are no part of a link."""
    page = show("playground", run="", server="true", **address)
    page.text_input(key="playground url").set_value(url)
    page.text_input(key="playground served").set_value(names)
    page.run()
    return page


def words(page) -> str:
    return "\n".join(one.value for one in page.text)


def test_without_a_question_or_a_model_the_page_says_what_is_missing(show, here):
    page = show("playground")
    assert [one.value for one in page.multiselect] == [["tiny"]]
    assert any("Write a question" in one.value for one in page.caption)
    [button] = [button for button in page.button if button.label == "Ask"]
    assert button.disabled
    page = show("playground", question=SUM, run="")
    assert any("Choose at least one model" in one.value for one in page.caption)


def test_a_link_fills_the_form_and_asks_nothing(show, here):
    page = show("playground", question=SUM, answer="5", samples="2", temperature="0.7", seed="3")
    assert page.text_area[0].value == SUM
    assert [box.value for box in page.number_input] == [2, 0.7, 768, 3]
    assert not page.get("html")
    page = show("playground", question=SUM, samples="999", temperature="nan", seed="x")
    assert [box.value for box in page.number_input] == [8, 0.0, 768, 0]
    assert "8 greedy samples would all be the same" in page.error[0].value


def test_models_answer_side_by_side_with_verdicts_and_their_answers_are_kept(show, here):
    def reply(body, tries):
        return chat(WRONG) if body["model"] == "sour" else streamed(RIGHT)

    with serving(reply) as running:
        form = asked_of_servers(show, running.url, "sweet, sour", question=SUM, answer="5")
        page = finished(press(form, "Ask"))
    assert {body["model"] for body in running.bodies} == {"sweet", "sour"}
    assert [one.value for one in page.header] == ["✓ correct", "✗ incorrect"]
    assert f"sweet · {running.url}" in words(page)
    assert ask(here, "select count(*) from generations").item() == 0
    page = press(page, "Keep as generations")
    assert page.success[0].value == "Kept as generations."
    rows = ask(
        here,
        "select g.stage, r.kind, g.text, correct from generations g join runs r using (run)"
        " join scores using (generation_id) where grader = 'strict' order by correct",
    ).rows()
    assert rows == [
        ("served", "playground", WRONG, False),
        ("served", "playground", f"{RIGHT} ", True),
    ]
    assert not [button for button in page.button if button.label == "Keep as generations"]


def test_a_stored_problem_is_asked_and_hostile_texts_are_only_texts(show, full):
    query = "select distinct problem_id from problems where problem_id like 'script %'"
    problem = ask(full, query).item()
    names = list(hostile.TEXTS)
    with serving(lambda body, tries: chat(hostile.TEXTS[body["model"]])) as running:
        for first in range(0, len(names), 4):
            models = ",".join(names[first : first + 4])
            form = asked_of_servers(show, running.url, models, problem=problem)
            page = finished(press(form, "Ask"))
            hostile.check(page)
            assert words(page).count("stop reason stop") == len(names[first : first + 4])
    assert len(running.bodies) == len(names)
    assert running.bodies[0]["messages"][0]["content"].endswith(hostile.TEXTS["script"])


def test_a_server_that_is_not_there_and_one_that_is_no_server_are_named(show, here):
    page = finished(
        press(asked_of_servers(show, "http://127.0.0.1:9/v1", "m", question=SUM), "Ask")
    )
    assert "http://127.0.0.1:9/v1 cannot be reached" in words(page)
    assert [one.value for one in page.error] == ["No answer:"]
    page = asked_of_servers(show, "file:///etc/passwd", "m", question=SUM)
    assert "is not the URL of a server" in words(page)
    assert [button.disabled for button in page.button if button.label == "Ask"] == [True]


def test_a_read_only_app_asks_nothing(show, here, monkeypatch):
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    page = show("playground", question=SUM)
    assert page.info[0].value.startswith("Read-only mode")
    assert not page.button
