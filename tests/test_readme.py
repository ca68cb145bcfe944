"""The README and the guides in docs/: commands run or parse as shown, and what they name exists."""

import json
import re
import shlex

import pytest

from pipeline.presets.load import preset_names
from tests import ROOT
from workbench.cli.main import main, thinkbench

README = (ROOT / "README.md").read_text()
DATA = (ROOT / "docs/data.md").read_text()
EVALUATION = (ROOT / "docs/evaluation.md").read_text()
GUIDES = [README, *(file.read_text() for file in sorted((ROOT / "docs").glob("*.md")))]


def commands_in(text: str) -> list[list[str]]:
    """The arguments of each line that begins with `thinkbench` in a block of shell commands."""
    return [
        shlex.split(line, comments=True)[1:]
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
        if line.startswith("thinkbench")
    ]


COMMANDS = {shlex.join(command): command for text in GUIDES for command in commands_in(text)}
QUICK = ("doctor", "ingest", "convert", "audit")
OF_ANSWERS = ("grade", "failures", "compare", "transitions", "audit", "verify")


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def test_the_quick_commands_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("THINKBENCH_STORE", str(tmp_path / "store"))
    quick = [
        command
        for command in commands_in(README) + commands_in(DATA)
        if command[0] in QUICK and "graders" not in command
    ]
    assert list(dict.fromkeys(command[0] for command in quick)) == list(QUICK)
    for command in quick:
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert (ended.value.code, command) == (0, command)
    assert "quarantined" in capsys.readouterr().out


def test_the_commands_on_stored_answers_run_one_after_the_other(tmp_path, say):
    for run, answer in (("RUN", "5"), ("RUN_A", "5"), ("RUN_B", "4"), ("RUN_C", "4")):
        row = {"problem_id": "p", "question": "2 + 2?", "gold": "4", "text": f"#### {answer}"}
        (tmp_path / "rows.jsonl").write_text(json.dumps(row))
        assert say("import", tmp_path / "rows.jsonl", "--name", run)[0] == 0
        assert say("grade", "--run", run)[0] == 0
    commands = commands_in(EVALUATION)
    assert tuple(command[0] for command in commands) == OF_ANSWERS
    for command in commands:
        assert (say(*command)[0], command) == (0, command)


def test_the_readme_imports_generations_and_compares_them(tmp_path, say):
    for run, answer in (("RUN", "5"), ("RUN_A", "5"), ("RUN_B", "4")):
        row = {"problem_id": "p", "question": "2 + 2?", "gold": "4", "text": f"#### {answer}"}
        (tmp_path / f"{run}.jsonl").write_text(json.dumps(row))
    [block] = [
        commands
        for block in re.findall(r"```sh\n.*?```", README, flags=re.DOTALL)
        if (commands := commands_in(block)) and commands[0][0] == "import"
    ]
    for run in ("RUN_A", "RUN_B"):
        assert say("import", tmp_path / f"{run}.jsonl", "--name", run)[0] == 0
    for command in block:
        arguments = [str(tmp_path / "RUN.jsonl") if word == "FILE" else word for word in command]
        assert (say(*arguments)[0], command) == (0, command)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_of_the_guides_can_be_given(command):
    name, *arguments = command
    verb = thinkbench.commands[name]
    arguments = [str(ROOT / "README.md") if word == "FILE" else word for word in arguments]
    verb.make_context(name, arguments, resilient_parsing=False)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z]+)`", "".join(GUIDES)))))
def test_a_make_target_of_the_guides_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    "path",
    sorted(
        set(
            re.findall(
                r"\b(?:data|evals|pipeline|workbench|tests|benchmarks)/[\w/]+\.(?:py|toml)",
                "".join(text for text in GUIDES if not text.startswith("# Log")),  # of its day
            )
        )
    ),
)
def test_a_file_that_a_guide_names_exists(path):
    assert (ROOT / path).is_file()


def test_the_presets_it_names_exist():
    named = {
        "tiny",
        *re.findall(r"`(?:--preset )?(v6e-1|v6e-8|v5e-8|v5e-8-2x4|h100|h200)`", README),
    }
    assert named == set(preset_names())
