"""Bad input ends with a message and exit code 2, wherever it comes from; nothing is left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.store import jobs, runs
from data.store.store import Store, ask
from tests import ROOT
from workbench.formatting.error_messages import TRAINING_PACKAGES

LONG = "x" * 300
ROW = {"problem_id": "p", "question": "3 + 4?", "gold": "7", "text": "7"}
# Runs each command line of the argument as one that has no training package.
CORE_ONLY = f"""
import json, sys

class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {TRAINING_PACKAGES}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent)
from workbench.cli.main import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as ended:
        print("ended with", ended.code, file=sys.stderr)
"""


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "generations.jsonl"
    path.write_text(json.dumps(ROW))
    return path


def test_without_the_training_packages_each_command_says_so_and_makes_no_store(tmp_path):
    store = tmp_path / "store"
    verbs = [["sft"], ["grpo"], ["eval"], ["run"], ["export"], ["eval", "--model", "tiny"]]
    done = subprocess.run(
        [sys.executable, "-c", CORE_ONLY, json.dumps([["--store", str(store), *v] for v in verbs])],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("ended")] == ["ended with 2"] * len(verbs)
    assert sum("pip install 'thinkbench[train]'" in line for line in lines) == len(verbs)
    assert "Traceback" not in done.stderr
    assert not store.exists()


@pytest.mark.parametrize("seed", ["-1", str(2**32), str(2**63), str(2**64), f"-{2**70}"])
@pytest.mark.parametrize("verb", ["sft", "grpo", "eval", "run"])
def test_a_seed_that_no_library_takes_is_refused_before_a_store_is_made(say, tmp_path, verb, seed):
    code, _, err = say(verb, "--seed", seed)
    assert (code, "seed must be a whole number from 0 to 4294967295" in err) == (2, True)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("knob", "value"),
    [("sft.seed", "-1"), ("grpo.seed", "4294967296"), ("eval.seed", "-5"), ("sft.seed", "1.5")],
)
def test_a_seed_of_one_section_has_the_same_bounds(say, knob, value):
    code, _, err = say("sft", "--set", f"{knob}={value}")
    assert (code, "Traceback" in err, "seed" in err) == (2, False, True)


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_the_seed_of_a_subset_has_the_same_bounds(say, here, seed):
    assert say("subset", "new", "s", "--seed", seed)[0] == 2


def test_the_largest_seed_is_one(say):
    code, _, err = say("sft", "--seed", str(2**32 - 1), "--model", "no-such-folder/at/all/really")
    assert code == 2
    assert "seed" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "FILE", "--name", LONG],
        ["import", LONG, "--name", "theirs"],
        ["ingest", LONG, "--from", "FILE", "--shape", "gsm8k"],
        ["ingest", "mine", "--from", LONG, "--shape", "gsm8k"],
        ["subset", "new", LONG],
        ["convert", LONG],
        ["audit", LONG],
        ["compare", LONG, "b"],
        ["sft", "--preset", LONG],
        ["sft", "--preset", f"{LONG}.toml"],
        ["sft", "--model", LONG],
        ["sft", "--problems", LONG],
        ["sft", "--subset", LONG],
        ["lineage", LONG],
        ["jobs", "show", LONG],
        ["--store", LONG, "ingest", "samples-gsm8k"],
        ["audit", "samples-gsm8k", "--export", LONG],
        ["rewards", "replay", "--run", LONG, "--rewards", LONG],
        ["verify", "--run", LONG],
    ],
)
def test_a_name_that_is_too_long_is_bad_input(say, here, file, arguments):
    words = [str(file) if word == "FILE" else word for word in arguments]
    code, _, err = say(*words)
    assert (code, "Traceback" in err, "Error: " in err) == (2, False, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "mine", "--from", "", "--shape", "gsm8k"],
        ["import", "", "--name", "theirs"],
        ["convert", "samples-gsm8k", "--dialects", ""],
        ["audit", "samples-gsm8k", "--export", ""],
        ["learnability", "--run", "r", "--ids", ""],
        ["export", "--out", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(say, here, arguments):
    code, _, err = say(*arguments)
    assert (code, "is empty; expected" in err) == (2, True)


def test_graders_are_not_audited_on_a_run_that_does_not_exist(say, here, file):
    assert say("import", file, "--name", "theirs")[0] == 0
    code, _, err = say("audit", "graders", "--run", "nope")
    assert (code, "no generations of run 'nope'" in err) == (2, True)


def test_a_run_named_like_the_bundled_model_does_not_hide_it(say, here, file):
    from workbench.lookup.models import starting_model

    code, _, err = say("import", file, "--name", "tiny")
    assert (code, "names the bundled model" in err) == (2, True)
    runs.begin(here, "import", run="tiny", config={}, seed=None, inputs={})  # of an older version
    start = starting_model(here, "tiny")
    assert (start.model, start.run, start.stage) == ("tiny", None, "base")


def test_a_preset_may_begin_with_a_byte_order_mark(say, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b'\xef\xbb\xbflike = "tiny"\n[sft]\nsteps = -1\n')
    code, _, err = say("sft", "--preset", path)
    assert (code, "steps must be" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sft", "--nope"], "No such option"),
        (["sft", "--steps", "-1"], "steps must be"),
        (["sft", "--steps", "many"], "is not a valid integer"),
        (["sft", "--set", "sft.nope=1"], "names no knob"),
        (["sft", "--preset", "nope"], "there is no preset 'nope'"),
        (["grpo", "--variant", "nope"], "variant must be one of"),
        (["eval", "--seed", "-1"], "seed must be"),
        (["eval", "--served", "not a URL", "--model", "m"], "is not the URL of a server"),
        (["eval", "--served", "http://h/v1", "--concurrency", "0"], "concurrency must be"),
        (["run", "--time-limit", "soon"], "is no duration"),
        (["ab"], "Missing argument"),
        (["ab", "s", "--seeds", "1"], "is not in the range"),
        (["export", "extra"], "unexpected extra argument"),
        (["sft", "--help"], "only prints a help text"),
        (["sft", "--store", "elsewhere"], "leave out --store"),
        (["sft", "--store=elsewhere"], "leave out --store"),
        (["convert", "samples-gsm8k"], "expected one of run, sft"),
    ],
)
def test_a_job_is_parsed_before_it_is_queued(say, tmp_path, words, message):
    code, _, err = say("jobs", "start", "--", *words)
    assert (code, message in err) == (2, True), err
    assert not (tmp_path / "store").exists()


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder of somebody's project, with packages named like ours."""
    for name in ("data", "evals", "pipeline", "workbench"):
        (tmp_path / "project" / name).mkdir(parents=True)
        (tmp_path / "project" / name / "__init__.py").write_text("raise RuntimeError('theirs')")
    return tmp_path / "project"


def test_the_app_starts_in_a_folder_with_packages_named_like_ours(project):
    from workbench.app.server import command
    from workbench.jobs import import_path

    done = subprocess.run(
        [*command(8501)[:3], "--help"], cwd=project, env=os.environ | import_path(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "theirs" in done.stderr) == (0, False)
    assert "Usage" in done.stdout


def test_a_job_runs_in_a_folder_with_packages_named_like_ours(store: Store, project, monkeypatch):
    from tests.data.store.test_jobs import ended
    from workbench.jobs import runner

    monkeypatch.chdir(project)
    job, _ = runner.start(store, ["sft", "--preset", "nope"], "ana")
    finished = ended(store, job.job)
    assert (finished.state, finished.exit_code) == ("failed", 2)
    assert "there is no preset 'nope'" in (finished.message or "")
    assert [one.state for one in jobs.jobs(store)] == ["failed"]


def test_a_batch_larger_than_the_work_takes_memory_for_the_work_only(say, here, few):
    """100,000 slots of the tiny model would need 300 GiB."""
    command = ["eval", "--limit", "2", "--max-tokens", "4", "--batch", "100000"]
    code, _, err = say(*command, "--model", few)
    assert code == 0, err
    assert ask(here, "select count(*) from generations").item() == 2
