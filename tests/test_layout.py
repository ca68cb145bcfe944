"""The shape of the house: imports point down, trainers stay in one floor, no name is taken."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import ROOT

FLOORS = ["data", "evals", "pipeline", "workbench"]  # each may import itself and those before it
TRAINING = {"jax", "flax", "grain", "optax", "orbax", "qwix", "transformers", "tunix"}
HUBS = {"datasets", "kagglehub"}
# in pipeline, yet run without the training extra
LIGHT = {
    "config.py",
    "chips.py",
    "estimate.py",
    "needs.py",
    "prepare.py",
    "replay.py",
    "reward_file.py",
    "rewards.py",
    "seeds.py",
    "sizes.py",
    "steps.py",
    "stopping.py",
}
FILES = [file for floor in FLOORS for file in sorted((ROOT / floor).rglob("*.py"))]


def shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


def imports(file: Path) -> set[str]:
    """The top-level names that `file` imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("file", FILES, ids=shown)
def test_imports_point_down(file):
    floor = FLOORS.index(file.relative_to(ROOT).parts[0])
    forbidden = set(FLOORS[floor + 1 :])
    if FLOORS[floor] != "workbench":
        forbidden.add("streamlit")
    if FLOORS[floor] != "pipeline" or file.name in LIGHT:
        forbidden |= TRAINING
    assert not imports(file) & forbidden


@pytest.mark.parametrize("file", FILES, ids=shown)
def test_only_the_sources_ask_a_hub_for_rows(file):
    if shown(file) != "data/sources/cards.py":
        assert not imports(file) & (HUBS - ({"kagglehub"} if "pipeline" in file.parts else set()))


@pytest.mark.parametrize("file", FILES, ids=shown)
def test_a_file_says_its_idea_in_its_first_line(file):
    text = file.read_text()
    assert text.startswith(('"""', 'r"""'))
    assert (ast.get_docstring(ast.parse(text)) or "").strip()


@pytest.mark.parametrize("file", FILES, ids=shown)
def test_a_file_holds_one_idea(file):
    assert len(file.read_text().splitlines()) < 500


def test_no_app_module_hides_a_library():
    # `streamlit run workbench/app/main.py` puts workbench/app/ first on sys.path
    taken = sys.stdlib_module_names | packages_distributions().keys()
    names = {path.stem for path in (ROOT / "workbench/app").iterdir()}
    assert not names & taken - {"__init__"}


@pytest.mark.parametrize("name", FLOORS)
def test_no_dependency_owns_our_names(name):
    assert set(packages_distributions().get(name, [])) <= {"thinkbench"}


def test_what_only_reads_starts_without_jax():
    modules = (
        "data.store.store, data.conversion.convert_source, data.sources.cards, "
        "evals.comparison.compare, evals.imports.import_file, "
        " evals.rollouts.learnability, pipeline.train.replay,"
        " workbench.cli.main, workbench.app.state, workbench.app.components.charts, "
        "workbench.doctor, "
        " pipeline.job.served_evaluation"
    )
    program = f"import sys, {modules}; print(sorted({TRAINING} & sys.modules.keys()))"
    asked = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert asked.stdout == "[]\n"
