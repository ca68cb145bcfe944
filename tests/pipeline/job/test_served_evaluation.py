"""`thinkbench eval --served`: answers are stored as they finish and are requested only once."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import polars as pl
import pytest

from data.sources.samples.word_problems import gsm8k_rows
from data.store.runs import state
from data.store.store import add, ask
from evals.graders import rules
from pipeline.config import GRADERS
from tests import ROOT
from tests.support.served import Reply, answer_to, answers, chat, serving

N = 6


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "test.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in gsm8k_rows(N, 0, "test")))
    return path


@pytest.fixture
def evaluate(say, problems):
    """Run `eval --served`: exit code, the object of --json (or None), standard error."""

    def evaluate(url: str, *more: str):
        command = ["eval", "--served", url, "--model", "m", "--problems", problems, "--json"]
        code, out, err = say(*command, "--retries", "0", *more)
        return code, json.loads(out) if out else None, err

    return evaluate


def generations(store) -> list[tuple]:
    return ask(
        store,
        "select problem_id, sample, text, tokens, finish, seed from generations order by all",
    ).rows()


def test_a_served_evaluation_is_a_run_with_scores_and_categories(evaluate, here):
    with serving() as server:
        code, value, _ = evaluate(server.url, "--samples", "2", "--temperature", "1")
    assert value
    [row] = value["stages"]
    assert (code, row["stage"], row["n"], row["samples"]) == (0, "served", N, 2)
    counts = ("generations", "problems", "asked", "left_out", "to_ask_again", "tokens_unknown")
    assert [value[name] for name in counts] == [2 * N, N, 2 * N, 0, 0, 0]
    run = state(here, value["run"])
    assert run
    assert (run["kind"], run["stage"], run["event"]) == ("eval", "served", "done")
    assert (run["config"]["served"], run["config"]["model"]) == (server.url, "m")
    graded = ask(here, "select grader, count(*) as n from scores group by grader")
    assert dict(graded.iter_rows()) == dict.fromkeys(GRADERS, 2 * N)
    assert ask(here, "select count(*) as n from failures")["n"].item() == 2 * N
    texts = {text for _, _, text, *_ in generations(here)}
    assert texts == {answer_to(body) for body in server.bodies}
    assert len({seed for *_, seed in generations(here)}) == 2 * N
    assert {row[3:5] for row in generations(here)} == {(7, "stop")}


@pytest.mark.parametrize("source", ["gsm8k", "samples-gsm8k"])  # of a hub, and bundled
def test_problems_that_were_ingested_from_a_file_are_those_of_the_evaluation(
    say, problems, here, source
):
    assert say("ingest", source, "--from", problems)[0] == 0
    problems.unlink()
    with serving() as server:
        command = ["eval", "--served", server.url, "--model", "m", "--problems", source, "--json"]
        code, out, err = say(*command)
        assert (code, len(server.bodies)) == (0, N), err
    assert json.loads(out)["stages"][0]["n"] == N
    assert ask(here, "select count(*) as n from records")["n"].item() == N


def test_two_stores_get_the_same_run_and_a_finished_run_requests_nothing(evaluate, here, tmp_path):
    with serving() as server:
        _, first, _ = evaluate(server.url)
        elsewhere = ("--store", str(tmp_path / "other"))
        _, other, _ = evaluate(server.url, *elsewhere)
        before = len(server.bodies)
        _, again, _ = evaluate(server.url)
        assert len(server.bodies) == before == 2 * N
        _, renamed, _ = evaluate(server.url, "--stage", "later")
        assert len(server.bodies) == 3 * N
    assert first
    assert other
    assert again
    assert renamed
    assert (first["run"], first["stages"]) == (other["run"], other["stages"])
    assert again == first | {"asked": 0}
    assert renamed["run"] != first["run"]
    assert renamed["stages"][0]["stage"] == "later"


def test_a_finished_run_is_graded_by_a_newer_version_of_its_grader(evaluate, monkeypatch):
    with serving() as server:
        _, first, _ = evaluate(server.url)
        newer = replace(rules.GRADERS["strict"], version="newer")
        monkeypatch.setitem(rules.GRADERS, "strict", newer)
        code, again, err = evaluate(server.url)
    assert code == 0, err
    assert again == first | {"asked": 0}


def test_a_failed_request_is_listed_and_requested_again_by_the_next_command(evaluate, here):
    def one_fails(body, tries):
        return Reply({"error": {"message": "busy"}}, 500) if failing == body["seed"] else answers(
            body, tries
        )  # fmt: skip

    failing = None
    with serving(one_fails) as server:
        _, _, _ = evaluate(server.url, "--stage", "first")
        failing = server.bodies[0]["seed"]
        server.bodies.clear()
        code, value, _ = evaluate(server.url)
        assert value
        assert (code, value["left_out"], value["to_ask_again"]) == (75, 1, 1)
        assert value["left_out_by_reason"] == {"HTTP 500": 1}
        assert value["stages"][0]["n"] == N - 1
        [out] = (here.folder / value["left_out_list"]).read_text().splitlines()
        assert json.loads(out)["reason"] == "HTTP 500"
        assert json.loads(out)["said"] == "Error code: 500 - busy"
        run = value["run"]
        run_state = state(here, run)
        assert run_state
        assert run_state["event"] == "interrupted"
        assert ask(here, "select * from generations where run = $run", run=run).height == N - 1
        failing = None
        server.bodies.clear()
        code, value, _ = evaluate(server.url)
    assert value
    assert (code, value["run"], value["asked"], value["left_out"]) == (0, run, 1, 0)
    assert len(server.bodies) == 1
    assert value["stages"][0]["n"] == N
    assert json.loads(out)["problem_id"] in {row[0] for row in generations(here)}
    categories = ask(here, "select * from failures where run = $run", run=run)
    assert categories.height == N


def test_scores_that_are_stored_twice_or_by_an_older_grader_are_counted_once(evaluate, here):
    def one_fails(body, tries):
        error = Reply({"error": {"message": "busy"}}, 500)
        return error if body["seed"] == failing else answers(body, tries)

    failing = None
    with serving(one_fails) as server:
        evaluate(server.url, "--stage", "first")
        failing = server.bodies[0]["seed"]
        _, first, _ = evaluate(server.url)
        assert first
        scores = ask(here, "from scores where run = $run", run=first["run"])
        for version in (pl.col("grader_version"), pl.lit("0")):
            add(here, "scores", scores.with_columns(grader_version=version).drop("run", "stage"),
                run=first["run"], stage="served")  # fmt: skip
        failing = None
        _, value, _ = evaluate(server.url)
    assert value
    assert (first["generations"], value["generations"], value["problems"]) == (N - 1, N, N)


def test_a_run_ends_without_a_request_that_can_never_succeed(evaluate, here):
    def null_for_one(body, tries):
        return chat(None) if body["seed"] == failing else chat(answer_to(body), "length", None)

    failing = None
    with serving(null_for_one) as server:
        evaluate(server.url, "--stage", "first")
        failing = server.bodies[0]["seed"]
        code, value, _ = evaluate(server.url)
    assert value
    assert (code, value["left_out"], value["to_ask_again"]) == (0, 1, 0)
    assert value["left_out_by_reason"] == {"the content is null": 1}
    assert (value["tokens_unknown"], value["stages"][0]["n"]) == (N - 1, N - 1)
    assert {row[3:5] for row in generations(here)} == {(None, "length")}


def test_reasoning_beside_the_content_is_stored_and_changes_no_verdict(evaluate, here):
    with serving(lambda body, tries: chat(answer_to(body))) as server:
        _, plain, _ = evaluate(server.url, "--stage", "plain")
        server.behaviour = lambda body, tries: chat(answer_to(body), reasoning_content="I add.")
        code, value, _ = evaluate(server.url, "--stage", "apart")
    assert plain
    assert value
    texts = ask(here, "select text from generations where stage = 'apart'")["text"].to_list()
    assert {text.partition("\n")[0] for text in texts} == {"<think>I add.</think>"}
    assert code == 0
    [before], [after] = plain["stages"], value["stages"]
    assert before["format"]["value"] == after["format"]["value"] == 1
    assert before["answer"] == after["answer"]


def test_a_thought_without_an_answer_is_stored_and_is_no_correct_answer(evaluate, here):
    def thinks(body, tries):
        return chat("", "length", reasoning_content="It may be \\boxed{5}, or")

    with serving(thinks) as server:
        code, value, _ = evaluate(server.url)
    assert value
    assert (code, value["generations"], value["left_out"]) == (0, N, 0)
    assert {text for _, _, text, *_ in generations(here)} == {"<think>It may be \\boxed{5}, or"}
    assert value["stages"][0]["answer"]["value"] == 0


def test_a_refused_seed_is_reported_and_not_stored(evaluate, here, say, problems):
    def no_seed(body, tries):
        error = {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}
        return Reply(error, 422) if "seed" in body else answers(body, tries)

    with serving(no_seed) as server:
        code, value, _ = evaluate(server.url)
        assert value
        assert (code, value["generations"], value["without_seed"]) == (0, N, N)
        assert {seed for *_, seed in generations(here)} == {None}
        command = ["eval", "--served", server.url, "--model", "m", "--problems", problems]
        code, out, _ = say(*command, "--stage", "shown")
    assert code == 0
    assert f"The server refuses the field seed: {N} answers were drawn without one" in out


def test_a_run_without_any_answer_is_an_error(evaluate, here):
    with serving(lambda body, tries: chat(None)) as server:
        code, value, err = evaluate(server.url)
    assert (code, value) == (2, None)
    assert f"answered none of {N} requests: {N} x the content is null" in err
    assert ask(here, "select * from generations").is_empty()


def test_answers_before_an_error_of_the_server_are_stored(evaluate, here):
    with serving() as server:

        def forgets_the_model(body, tries):
            gone = Reply({"error": {"message": "no such model"}}, 404)
            return gone if len(server.bodies) > 3 else answers(body, tries)

        server.behaviour = forgets_the_model
        code, value, err = evaluate(server.url, "--concurrency", "1")
        assert (code, value) == (2, None)
        assert "no such model" in err
        assert len(generations(here)) == 3
        server.behaviour = answers
        code, value, _ = evaluate(server.url)
    assert value
    assert (code, value["asked"], value["generations"]) == (0, N - 3, N)


def test_the_key_is_never_written(evaluate, here, monkeypatch):
    def repeats_the_key(body, tries):
        error = {"error": {"message": "bad request by sk-very-secret"}}
        return Reply(error, 400) if body["seed"] % 2 else answers(body, tries)

    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with serving(repeats_the_key) as server:
        output = evaluate(server.url, "--api-key-env", "MY_KEY")
    assert {headers["authorization"] for headers in server.headers} == {"Bearer sk-very-secret"}
    assert "sk-very-secret" not in str(output)
    files = [file for file in here.folder.rglob("*") if file.is_file()]
    assert [file for file in files if b"sk-very-secret" in file.read_bytes()] == []
    runs = ask(here, "select * from run_events").rows()
    assert "sk-very-secret" not in str(runs)


# answers are written in parts of two
PART_ROWS = "from pipeline.evaluate import answers; answers.PART_ROWS = 2; "
COMMAND = [sys.executable, "-c", PART_ROWS + "from workbench.cli.main import main; main()"]


@pytest.mark.parametrize(
    ("stop", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_an_interrupted_evaluation_requests_only_what_is_missing(
    evaluate, here, problems, stop, status, monkeypatch
):
    """After Ctrl-C what had not finished is missing, after a kill what had not been stored."""

    def slow_after_three(body, tries):
        return replace(answers(body, tries), delay=0.0 if len(server.bodies) <= 3 else 30.0)

    with serving(slow_after_three) as server:
        command = ["--store", here.folder, "eval", "--served", server.url, "--model", "m"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*COMMAND, *map(str, command), "--problems", str(problems), "--concurrency", "2"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while len(server.bodies) < 5 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(stop)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, "Traceback" in err) == (status, False)
        stored = len(generations(here))
        assert stored == (3 if stop == signal.SIGINT else 2)
        server.behaviour = answers
        server.bodies.clear()
        code, value, _ = evaluate(server.url)
    assert value
    assert (code, value["asked"], value["generations"]) == (0, N - stored, N)
    assert len(server.bodies) == N - stored


def test_a_time_limit_interrupts_the_run(evaluate, here):
    def slow(body, tries):
        return replace(answers(body, tries), delay=0.0 if len(server.bodies) <= 2 else 30.0)

    with serving(slow) as server:
        code, value, err = evaluate(server.url, "--time-limit", "3s", "--concurrency", "1")
    assert (code, value) == (75, None)
    assert "Give the same command again" in err
    assert len(generations(here)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--served", "http://x/v1"], ["--model NAME"]),
        (["--served", "http://a:b@x/v1", "--model", "m"], ["credentials", "--api-key-env"]),
        (["--served", "http://x/v1", "--model", "m", "--api-key-env", "NO_SUCH"], ["NO_SUCH"]),
        (["--served", "http://x/v1", "--model", "m", "--api-key-env", "sk-1"], ["is no name of"]),
        (["--served", "http://x/v1", "--model", "m", "--batch", "4"], ["--batch", "Leave it out"]),
        (["--served", "http://x/v1", "--model", "m", "--concurrency", "0"], ["concurrency", "0"]),
        (["--served", "http://x/v1", "--model", "m", "--stage", "../x"], ["stage '../x'"]),
        (["--served", "http://x/v1", "--model", "m", "--log", "wandb"], ["--log"]),
        (["--concurrency", "4"], ["--concurrency", "--served URL"]),
        (["--served", "", "--model", "m"], ["--served", "is empty"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_wrong_options_are_refused_before_a_store_is_created(say, tmp_path, arguments, words):
    code, out, err = say("eval", *arguments)
    assert (code, out) == (2, "")
    assert [word for word in words if word not in err] == []
    assert not (tmp_path / "store").exists()


def test_the_output_counts_the_unanswered_requests_by_reason(say, problems):
    with serving(lambda body, tries: chat(None) if body["seed"] % 2 else answers(body, tries)) as s:
        command = ["eval", "--served", s.url, "--model", "m", "--problems", problems]
        code, out, _ = say(*command)
    odd = sum(body["seed"] % 2 for body in s.bodies)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["served", str(N - odd)] in [line[:2] for line in lines]
    assert ["left_out", str(odd)] in lines
    assert ["the", "content", "is", "null", str(odd)] in lines
    assert "left_out.jsonl" in out
