"""The README: its quick commands run as shown, its files exist, and what it names is there."""

import json
import re
import shlex

import pytest

from pipeline.config import presets
from tests import ROOT
from workbench.cli.main import main, thinkbench

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith("thinkbench")
]
QUICK = ("doctor", "ingest", "convert", "audit")
OF_ANSWERS = ("grade", "failures", "compare", "transitions", "audit", "verify")
TREE = README.split("```")[-2]


def test_the_quick_commands_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("THINKBENCH_STORE", str(tmp_path / "store"))
    quick = [one for one in COMMANDS if one[0] in QUICK and "graders" not in one]
    assert list(dict.fromkeys(command[0] for command in quick)) == list(QUICK)
    for command in quick:
        with pytest.raises(SystemExit) as left:
            main(command)
        assert (left.value.code, command) == (0, command)
    assert "quarantined" in capsys.readouterr().out


def test_the_commands_on_stored_answers_run_one_after_the_other(tmp_path, say):
    for run, answer in (("RUN", "5"), ("RUN_A", "5"), ("RUN_B", "4"), ("RUN_C", "4")):
        row = {"problem_id": "p", "question": "2 + 2?", "gold": "4", "text": f"#### {answer}"}
        (tmp_path / "rows.jsonl").write_text(json.dumps(row))
        assert say("import", tmp_path / "rows.jsonl", "--name", run)[0] == 0
        assert say("grade", "--run", run)[0] == 0
    [block] = [block for block in BLOCKS if "thinkbench verify" in block]
    commands = [shlex.split(line, comments=True)[1:] for line in block.splitlines()]
    assert tuple(command[0] for command in commands) == OF_ANSWERS
    for command in commands:
        assert (say(*command)[0], command) == (0, command)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_of_the_readme_is_one_that_can_be_given(command):
    name, *arguments = command
    verb = thinkbench.commands[name]
    verb.make_context(name, arguments, resilient_parsing=False)


@pytest.mark.parametrize("target", re.findall(r"make ([a-z]+)", README))
def test_a_make_target_of_the_readme_exists(target):
    if target != "are":  # "Python … and make are all"
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", re.findall(r"[\w-]+\.(?:py|toml)|\b[a-z]+/", TREE))
def test_what_the_tree_names_exists(name):
    assert [path for path in ROOT.rglob(name.rstrip("/")) if ".venv" not in path.parts]


def test_the_presets_it_names_exist():
    named = {"tiny", *re.findall(r"`(?:--preset )?(v6e-1|v5e-8|v5e-8-2x4|h200)`", README)}
    assert named == set(presets())
