"""The command line: what it prints, where, and the exit code of each mistake."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import fields, replace

import click
import pytest

from evals.graders import rules
from pipeline.config import SECTIONS, BadConfig
from pipeline.presets.load import load_preset
from pipeline.stopping import Stop
from tests import ROOT
from workbench.cli.errors import exit_code
from workbench.cli.knob_flags import flagged
from workbench.cli.main import thinkbench
from workbench.cli.options import GRADERS
from workbench.cli.output import tables
from workbench.cli.output.comparisons import compared
from workbench.cli.progress import bars
from workbench.formatting.error_messages import ADVICE, error_message
from workbench.lookup.presets import changed_preset

ROWS = 7_000  # several parts
# Runs the command line, and sends itself a signal when the first part of records is stored.
SIGNALLED = """
import os, sys
from data.sources import ingest
from workbench.cli.main import main

signal, add = int(sys.argv.pop(1)), ingest.add

def add_and_signal(*rows, **columns):
    add(*rows, **columns)
    os.kill(os.getpid(), signal)

ingest.add = add_and_signal
main()
"""
# importing any of these takes longer than all of --help does
SLOW = {"polars", "duckdb", "streamlit", "jax", "numpy", "scipy", "rich"}
VERBS = [
    "ingest", "convert", "audit", "quarantine", "release", "subset", "preflight", "sft", "dpo",
    "grpo", "eval", "ask", "tokens", "export", "run", "ab", "grade", "judge", "failures",
    "search", "more-like", "clusters", "override", "compare", "transitions", "overlap", "import",
    "import-rollouts", "verify", "lineage", "report", "rollouts", "learnability", "rewards",
    "runs", "sql", "mcp", "store", "pack", "unpack", "push", "jobs", "app", "doctor",
]  # fmt: skip


def test_the_verbs_come_in_the_order_that_data_flows():
    assert thinkbench.list_commands(click.Context(thinkbench)) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(say, verb):
    code, out, err = say(verb, "--help")
    assert (code, err) == (0, "")
    assert "--store" in out


@pytest.mark.parametrize("arguments", [["--help"], ["sft", "--help"], ["audit", "--help"]])
def test_help_loads_no_library_that_takes_long_to_start(arguments):
    program = (
        "import sys\n"
        "from workbench.cli.main import thinkbench\n"
        f"thinkbench.main({arguments}, standalone_mode=False)\n"
        f"sys.stderr.write(repr(sorted({SLOW} & sys.modules.keys())))"
    )
    run = [sys.executable, "-c", program]
    assert subprocess.run(run, cwd=ROOT, check=True, capture_output=True).stderr == b"[]"


def test_no_verb_is_an_exit_code_of_2(say):
    assert say()[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], ["No such command 'nope'"]),
        (["run", "--preset", "huge"], ["'huge'", "tiny", ".toml"]),
        (["eval", "--problems", "./missing.jsonl"], ["missing.jsonl does not exist"]),
        (["eval", "--problems", "missing"], ["no problems 'missing'", "gsm8k"]),
        (["convert", "missing.csv"], ["missing.csv does not exist"]),
        (["sft", "--model", ""], ["--model", "is empty"]),
        (["run", "--set", "sft.stepz=3"], ["sft.stepz", "sft.steps"]),
        (["run", "--set", "sft.steps=many"], ["sft.steps", "int", "'many'"]),
        (["run", "--set", "nope.steps=3"], ["nope.steps", "sft.KNOB"]),
        (["grpo", "--group", "1"], ["group", "at least 2", "1"]),
        (["sft", "--batch", "0"], ["batch", "at least 1", "0"]),
        (["sft", "--batch", "x"], ["'x' is not a valid integer"]),
        (["eval", "--samples", "4", "--temperature", "0"], ["temperature"]),
        (["grade", "--run", "r"], ["not a store", "thinkbench run"]),
        (["compare", "a", "b"], ["not a store", "THINKBENCH_STORE"]),
        (["audit", "samples-stratos"], ["not a store"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_input_says_what_was_found_and_what_to_do(say, arguments, words):
    code, out, err = say(*arguments)
    assert (code, out) == (2, "")
    assert [word for word in words if word not in err] == []


def test_a_file_where_the_store_should_be_is_refused(say, tmp_path):
    (tmp_path / "store").write_text("not a store")
    code, out, err = say("doctor")
    assert (code, out) == (2, "")
    assert "store" in err


def test_a_missing_file_is_named(say, tmp_path):
    code, out, err = say("import", tmp_path / "nothing.jsonl", "--name", "r")
    assert (code, out) == (2, "")
    assert "nothing.jsonl" in err


@pytest.mark.parametrize("number", sorted(ADVICE))
def test_an_error_of_the_system_comes_with_advice(number, capsys):
    def fails() -> None:
        raise OSError(number, os.strerror(number), "/some/place")

    assert exit_code(fails) == 2
    assert (
        capsys.readouterr().err == f"Error: /some/place: {os.strerror(number)}. {ADVICE[number]}\n"
    )


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ValueError, match="invalid literal"):
        exit_code(lambda: int("x"))
    assert error_message(BadConfig("told")) == "told"
    assert error_message(KeyError("a bug")) is None
    assert error_message(ModuleNotFoundError("no module", name="workbench.nope")) is None


def test_a_missing_trainer_says_how_to_install_it():
    assert "thinkbench[train]" in (
        error_message(ModuleNotFoundError("none", name="tunix.rl")) or ""
    )


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_says_so_and_resumes_when_run_again(say, tmp_path, stop, status):
    rows, store = tmp_path / "rows.jsonl", tmp_path / "store"
    with rows.open("w") as file:
        file.writelines(f'{{"question": "q{n}", "answer": "r #### {n}"}}\n' for n in range(ROWS))
    ingest = ["ingest", "gsm8k", "--from", str(rows)]
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(int(stop)), "--store", str(store), *ingest],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (status, "")
    assert "is kept" in done.stderr
    assert "Traceback" not in done.stderr
    code, out, _ = say(*ingest, "--json")
    counts = json.loads(out)
    assert (code, counts["read"], counts["rejected"]) == (0, ROWS, 0)
    assert counts["in_store"] > 0
    assert counts["new"] + counts["in_store"] == ROWS


def test_a_signal_whose_exception_is_lost_stops_at_the_next_step():
    def command() -> int:
        with contextlib.suppress(KeyboardInterrupt):  # as a library's callback may
            os.kill(os.getpid(), signal.SIGTERM)
        stop = Stop()
        with stop.listening():
            left = stop.should_leave()
        assert left
        stop.leave()
        return 0

    assert exit_code(command) == 128 + signal.SIGTERM
    assert exit_code(lambda: int(Stop().should_leave())) == 0  # the next command starts without it


@pytest.mark.parametrize("section", ["sft", "dpo", "grpo", "eval"])
def test_a_verb_has_one_flag_for_each_knob(section):
    options = {name for option in thinkbench.commands[section].params for name in option.opts}
    knobs = {f"--{f.name.replace('_', '-')}" for f in flagged(SECTIONS[section])}
    assert knobs <= options


def test_flags_beat_set_and_set_beats_the_preset():
    preset = changed_preset("tiny", {"sft": {"steps": 3}}, ("sft.steps=5", "grpo.steps=7"), 9)
    assert (preset.sft.steps, preset.grpo.steps) == (3, 7)
    assert {getattr(preset, name).seed for name in ("sft", "grpo", "eval")} == {9}
    assert preset.sft.batch == load_preset("tiny").sft.batch


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("model.remat=false", False),
        ("sft.learning_rate=3e-4", 3e-4),
        ("eval.limit=12", 12),
        ("data.rules=a,b", ("a", "b")),
        ("model.model=some/folder", "some/folder"),
    ],
)
def test_set_gives_a_knob_its_own_type(assignment, value):
    section, knob = assignment.partition("=")[0].split(".")
    assert getattr(getattr(changed_preset("tiny", {}, (assignment,), None), section), knob) == value


def test_every_knob_has_a_meaning():
    assert [f.name for s in SECTIONS.values() for f in fields(s) if not f.metadata["meaning"]] == []


def half(n: int) -> dict:
    return {"value": 0.5, "low": 0.25, "high": 0.75, "n": n}


def test_the_table_shows_each_share_with_its_interval(capsys):
    unknown = {"value": None, "low": None, "high": None, "n": 0}
    tables.run_result(
        {
            "store": "here",
            "stages": [
                {"stage": "base", "run": "[r]", "train_problem_count": 0, "n": 1234, "left_out": 3,
                 "format": half(1234), "answer": half(1234), "partial": unknown},
            ],
            "comparisons": [
                {"from": "base", "to": "sft", "metric": "answer", "difference": 0.125,
                 "low": -0.05, "high": 0.3, "p": 0.0001, "n": 1234},
            ],
        }
    )  # fmt: skip
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    words = [" ".join(line) for line in lines]
    assert "base 1,234 3 50.0% (25.0 to 75.0) 50.0% (25.0 to 75.0) unknown 0 [r]" in words
    assert "base → sft answer +12.5 points (-5.0 to +30.0) 0 < 0.001 1,234" in words


def test_a_typo_makes_no_store(say, tmp_path):
    for command in (["ingest", "gsm9k"], ["ingest", "gsm8k", "--from", "nowhere"],
                    ["convert", "gsm8k"]):  # fmt: skip
        assert say(*command)[0] == 2
    assert not (tmp_path / "store").exists()


def test_a_file_without_shape_names_the_option(say, tmp_path):
    (tmp_path / "rows.jsonl").write_text("{}")
    code, _, err = say("convert", str(tmp_path / "rows.jsonl"))
    assert (code, "--shape" in err) == (2, True)


def test_grades_are_printed_in_words_with_each_stage(say, tmp_path):
    rows = [
        {"problem_id": f"p{n}", "question": "q", "gold": str(n), "text": str(n), "stage": stage}
        for n in range(3)
        for stage in ("before", "after")
    ]
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert say("import", str(path), "--name", "theirs")[0] == 0
    code, out, _ = say("grade", "--run", "theirs", "--grader", "lenient")
    assert code == 0
    assert not set("[]{}") & set(out)
    lines = [line.split() for line in out.splitlines()]
    assert ["generations", "6"] in lines
    assert [line[:2] for line in lines if line[:1] in (["before"], ["after"])] == [
        ["after", "3"],
        ["before", "3"],
    ]


def test_a_port_that_is_taken_is_error_message(say):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = say("app", "--port", str(taken.getsockname()[1]))
    assert (code, "another --port" in err) == (2, True)


@pytest.mark.parametrize("path", ["rows", "rows/", "rows/a.jsonl", "/dev/null"])
def test_a_path_is_never_taken_for_a_source(say, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.jsonl").write_text("{}")
    code, _, err = say("convert", path)
    # a folder may have the name of a source, which is looked up
    assert (code, "add --shape" in err) == (2, path != "rows")


def test_grades_begin_with_run_grader_and_generations(capsys):
    unknown = {"value": None, "low": None, "high": None, "n": 0}
    metrics = dict.fromkeys(tables.METRICS, unknown)
    metrics["answer"] = half(4) | {"unknown": 1, "if_correct": 0.75}
    tables.graded({"run": "r", "grader": "strict", "version": "1", "n": 1234, **metrics,
                    "unknown": 1234, "stages": []})  # fmt: skip
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    facts = [line for line in lines if len(line) == 2][1:]
    assert facts == [
        ["run", "r"], ["grader", "strict"], ["generations", "1,234"], ["format", "unknown"],
        ["partial", "unknown"], ["version", "1"],
    ]  # fmt: skip
    words = [" ".join(line) for line in lines]
    assert "answer 50.0% (25.0 to 75.0)" in words
    assert "unknown, counted as not correct 1 (75.0% if correct)" in words


def test_a_comparison_counts_the_problems_of_one_run_only(capsys):
    compared({"a": "x", "b": "y", "grader": "lenient", "n": 1, "only_a": 2, "only_b": 3,
              "metrics": {}, "slices": [], "decomposition": None, "different": 1_234,
              "train_problem_counts": {"x": (1, 3), "y": (2, 2)}})  # fmt: skip
    _, title, *notes = capsys.readouterr().out.splitlines()
    assert title == (
        "x → y by lenient: 1 problems in both, 2 only in the first, 3 only in the second"
    )
    assert notes[-2:] == [
        "1,234 problem ids name different problems in these runs, so they are not compared.",
        "y: answers to train problems, so pass rates and no held-out scores. x: 1 of 3 problems are"
        " train problems, which are no held-out scores.",
    ]


def test_a_title_is_one_line_above_a_narrow_table(capsys):
    tables.counts("Conversion of a source with a long name")({"patterns": {"1111": 2}})
    lines = capsys.readouterr().out.splitlines()
    assert "Conversion of a source with a long name" in lines
    assert "Rows by tags: 1 where thinking opens, closes, answer opens, closes" in lines


def test_an_unknown_grader_lists_the_known_ones(say):
    assert tuple(rules.GRADERS) == GRADERS
    for command in (["grade", "--run", "r"], ["compare", "a", "b"]):
        code, _, err = say(*command, "--grader", "loose")
        assert (code, [name for name in GRADERS if name not in err]) == (2, [])


def test_no_first_line_of_a_verb_is_cut_in_the_list(say):
    assert "..." not in say("--help")[1].partition("Commands:")[2]


def test_bars_that_never_start_print_nothing(capsys):
    with bars() as bar:
        bar("nothing")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("content", ["sft = 3", "[[sft]]\nsteps = 3"])
def test_a_preset_whose_section_is_no_table_is_refused(say, tmp_path, content):
    (tmp_path / "mine.toml").write_text(content)
    code, _, err = say("run", "--preset", tmp_path / "mine.toml")
    assert (code, "expected a table [sft]" in err) == (2, True)


def test_a_preset_that_is_like_another_changes_only_its_own_knobs(tmp_path):
    whole, parts = load_preset("v5e-8"), load_preset("v5e-8-2x4")
    assert (parts.model.fsdp, parts.model.tensor_parallel) == (2, 4)
    alike = parts.with_knobs("model", fsdp=8, tensor_parallel=1).with_knobs("grpo", micro_batch=0)
    assert alike == replace(whole, name=parts.name)
    path = tmp_path / "mine.toml"
    path.write_text('like = "nope"\n')
    with pytest.raises(BadConfig, match="expected the name of a bundled preset: h100"):
        load_preset(str(path))
