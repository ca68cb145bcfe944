"""The tools that agents call, through the protocol's own client over standard input and output."""

import json
import os
import sys
from typing import Any

import pytest

from data.errors import UserError
from data.store import runs
from data.store.store import open_store
from tests import ROOT
from tests.support.evaluation import evaluate
from tests.support.imported import import_rows
from workbench.agents.bounds import MOST, bounded
from workbench.agents.tools import Tools

NEEDS = "needs requirements-mcp.txt, which .ci/run installs"
HARMFUL = "<answer>6</answer>\x1b]0;owned\x07 \u202egnp"
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "runs": ("runs", {}),
    "run": ("run", {"run": "a"}),
    "compare": ("compare", {"run_a": "a", "run_b": "b", "grader": "lenient"}),
    "failures": ("failures", {"run": "a"}),
    "incorrect": ("generations", {"run": "a", "verdict": "incorrect", "grader": "lenient"}),
    "tables": ("tables", {}),
    "sql": ("sql", {"query": "select run, count(*) as n from generations group by run order by 1"}),
    "no such run": ("failures", {"run": "z"}),
    "not categorised": ("failures", {"run": "c"}),
    "no such verdict": ("generations", {"run": "a", "verdict": "odd"}),
    "too many": ("runs", {"limit": 100_000}),
    "writes": ("sql", {"query": "drop view runs"}),
    "reads a file": ("sql", {"query": "from read_text('/etc/hostname')"}),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Imports a and b of two problems, and c without failure categories; and the files before."""
    folder = tmp_path_factory.mktemp("agents")
    store = open_store(folder / "store")
    other = {"problem_id": "p2", "question": "1 + 4?", "gold": "5"}
    import_rows(store, folder, "a", {"text": HARMFUL}, other | {"text": "<answer>5</answer>"})
    import_rows(store, folder, "b", {}, other | {"text": "It makes 4"})
    evaluate(store, "c", "base", ["7"])
    return store.folder, _files(store.folder)


def _files(folder) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*.parquet"))


@pytest.fixture(scope="module")
def served(filled):
    """Call -> whether it was refused, and its text; and the tools that were listed."""
    pytest.importorskip("mcp", reason=NEEDS)
    import anyio
    from mcp import (  # pyright: ignore[reportMissingImports]
        Client,
        StdioServerParameters,
    )

    folder, _ = filled
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "workbench", "--store", str(folder), "mcp"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    async def talk() -> tuple[list[Any], dict[str, tuple[bool, str]]]:
        async with Client(server) as client:
            listed = (await client.list_tools()).tools
            results = {}
            for name, (tool, arguments) in CALLS.items():
                result = await client.call_tool(tool, arguments)
                results[name] = (bool(result.is_error), result.content[0].text)  # pyright: ignore
            return listed, results

    return anyio.run(talk)


def test_every_tool_says_what_it_does_and_that_it_only_reads(served):
    listed, _ = served
    assert [tool.name for tool in listed] == [tool.__name__ for tool in Tools(ROOT).all()]
    assert all(tool.description and tool.annotations.read_only_hint for tool in listed)
    text = (ROOT / "docs/agents.md").read_text()
    assert [tool.name for tool in listed if f"`{tool.name}`" not in text] == []


def test_tools_answer_with_what_the_store_has(served):
    values = {name: json.loads(text) for name, (error, text) in served[1].items() if not error}
    assert {run["run"] for run in values["runs"]["runs"]} == {"a", "b", "c"}
    assert values["run"]["rows"]["generations"] == 2
    assert values["compare"]["n"] == 2
    assert values["failures"]["stages"][0]["n"] == 2
    assert values["sql"]["rows"] == [["a", 2], ["b", 2], ["c", 1]]
    assert "generations" in values["tables"]["tables"]
    [row] = values["incorrect"]["generations"]
    assert (row["problem_id"], row["question"], row["gold"]) == ("p1", "3 + 4?", "7")


def test_characters_that_a_terminal_executes_do_not_arrive(served):
    _, text = served[1]["incorrect"]
    assert {"\x1b", "\x07", "\u202e"} & set(json.loads(text)["generations"][0]["text"]) == set()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("no such run", "'z'"),
        ("not categorised", "thinkbench failures --run c"),
        ("no such verdict", "correct"),
        ("too many", "at most 1000"),
        ("writes", "no single select"),
        ("reads a file", "Permission Error"),
    ],
)
def test_a_refused_call_is_an_error_of_the_tool_that_says_what_to_do(served, call, words):
    refused, text = served[1][call]
    assert refused
    assert words in text


def test_no_tool_wrote_to_the_store(served, filled):
    folder, before = filled
    assert _files(folder) == before


def test_a_result_is_bounded_and_says_what_was_cut():
    value = {"rows": [["x" * 900] * 3] * 300, "name\x1b": "t" * 90_000}
    text = bounded(value)
    cut = json.loads(text)
    assert len(text) <= MOST
    assert cut["rows"][-1]["…"].endswith("more entries")
    assert cut["cut_to"] == {"entries": 20, "characters": 500}
    assert "\x1b" not in text
    with pytest.raises(UserError, match="Name fewer columns"):
        bounded({str(n): {str(m): ["x" * 300] * 9 for m in range(9)} for n in range(9)})


def test_a_store_that_does_not_exist_is_refused_and_not_created(say, tmp_path):
    pytest.importorskip("mcp", reason=NEEDS)
    code, out, err = say("mcp")
    assert (code, out) == (2, "")
    assert "is not a store" in err
    assert not (tmp_path / "store").exists()


def test_a_deleted_run_is_named_with_its_remedy(filled, tmp_path):
    store = open_store(tmp_path / "store")
    import_rows(store, tmp_path, "gone")
    runs.delete(store, "gone")
    with pytest.raises(UserError, match="store restore gone"):
        Tools(store.folder).generations("gone")
