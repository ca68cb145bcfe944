"""The notebook: executed in two parts, killed within GRPO, its results are those of one run."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from data.store import ask, open_store
from tests import ROOT

pytest.importorskip("nbclient", reason="needs requirements-notebook.txt, which .ci/run installs")
pytest.importorskip("ipykernel", reason="needs requirements-notebook.txt, which .ci/run installs")

NOTEBOOK = ROOT / "notebooks/reasoning_revolution.ipynb"
# the smallest with which each stage has something to do, and GRPO several checkpoints
SETTINGS = [
    *("sft.steps=6", "sft.batch=4", "sft.checkpoint_every=3"),
    *("grpo.steps=12", "grpo.prompts=2", "grpo.group=2", "grpo.checkpoint_every=2"),
    *("grpo.evaluate_every=6", "data.heldout=4", "eval.limit=8"),
]
KILLED_AFTER = 4  # steps of GRPO
SECRET = "hf_a_secret_that_no_output_may_hold"


def executed(folder: Path, **changes: Any) -> str:
    """The text of the notebook with its outputs, executed with `folder` for its files."""
    values = {"work": str(folder / "work"), "output": str(folder / "output"), "set": SETTINGS}
    command = [sys.executable, "notebooks/execute.py", str(folder / "out.ipynb")]
    folder.mkdir()
    subprocess.run(
        [*command, json.dumps(values | changes)],
        cwd=ROOT,
        check=True,
        env=os.environ
        | {
            "HF_TOKEN": SECRET,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        },
    )
    return (folder / "out.ipynb").read_text()


def kill_within_grpo(store: Path, seen: list[int]) -> None:
    """SIGKILL the job as soon as the checkpoint of a step is whole; its process id goes to seen."""
    for _ in range(60 * 60 * 10):
        if list(store.glob(f"checkpoints/grpo-*/state/{KILLED_AFTER}/commit_success.txt")):
            break
        time.sleep(0.1)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes()
        except OSError:  # it has ended since, or is not ours
            continue
        if b"run" in command and f"THINKBENCH_STORE={store}".encode() in environment.split(b"\0"):
            seen.append(int(process.name))
            os.kill(int(process.name), signal.SIGKILL)


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> dict[str, Any]:
    """Both parts, and a job with the same settings that was left alone."""
    folder = tmp_path_factory.mktemp("notebook")
    killed: list[int] = []
    watcher = threading.Thread(
        target=kill_within_grpo, args=(folder / "first/work/store", killed), daemon=True
    )
    watcher.start()
    first = executed(folder / "first")
    second = executed(folder / "second", previous=str(folder / "first/output/store.tar"))
    words = [word for setting in SETTINGS for word in ("--set", setting)]
    command = [sys.executable, "-m", "workbench", "--store", str(folder / "alone"), "run", *words]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return {"folder": folder, "killed": killed, "first": first, "second": second}


def rows(store: Path) -> dict[str, list[Any]]:
    """What the job has stored, without times and names of runs."""
    opened = open_store(store)
    return {
        query: ask(opened, query).rows()
        for query in (
            "select stage, problem_id, text from generations order by all",
            "select stage, problem_id, grader, correct from scores order by all",
            'select step, "group", sample, problem_id, text, reward, advantage from rollouts'
            " order by all",
            "select name, step, value from metrics where not contains(name, 'per') and not"
            " contains(name, 'tokens/s') order by all",
            "select run, kind, event from runs order by all",
        )
    }


def test_the_first_part_was_killed_and_says_how_to_go_on(parts):
    assert len(parts["killed"]) == 1
    assert "Not finished. Attach this version's output" in parts["first"]
    assert sorted(path.name for path in (parts["folder"] / "first/output").iterdir()) == [
        "report.html",
        "store.tar",
    ]


def test_two_parts_store_what_one_run_stores(parts):
    two, alone = (rows(parts["folder"] / name) for name in ("second/work/store", "alone"))
    assert all(two.values())
    assert two == alone
    exported = [
        next((parts["folder"] / name).glob("exports/grpo-*/model.safetensors")).read_bytes()
        for name in ("second/work/store", "alone")
    ]
    assert exported[0] == exported[1]


def test_the_second_part_leaves_a_page_and_a_model(parts):
    output = parts["folder"] / "second/output"
    assert sorted(path.name for path in output.iterdir()) == ["model", "report.html", "store.tar"]
    assert "Results by stage" in (output / "report.html").read_text()
    assert (output / "model/config.json").is_file()
    assert "Metrics by stage" in parts["second"]


def test_no_output_holds_a_secret_or_a_path_of_this_machine(parts):
    for text in (parts["first"], parts["second"]):
        assert "secrets here: HF_TOKEN" in text
        assert SECRET not in text
        assert str(ROOT) not in text
        assert str(parts["folder"]) not in text
    archive = (parts["folder"] / "second/output/store.tar").read_bytes()
    assert SECRET.encode() not in archive


def test_the_kernel_never_opens_the_accelerator():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert not [source for source in sources if "import jax" in source or "import torch" in source]


def test_kaggles_metadata_fits_the_notebook():
    metadata = json.loads((ROOT / "notebooks/kernel-metadata.json").read_text())
    assert (ROOT / "notebooks" / metadata["code_file"]).is_file()
    slug = metadata["title"].lower().replace(" ", "-")
    assert metadata["id"].partition("/")[2] == slug  # else Kaggle makes another kernel
    assert metadata["enable_internet"] is True
