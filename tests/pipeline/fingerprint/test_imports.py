"""The files that a module imports are found from the sources, and hold what Python imports."""

import subprocess
import sys

import pytest

from pipeline.fingerprint.imports import files_imported_by, sources_in
from tests import ROOT

STAGES = (
    "training.sft_stage",
    "training.dpo_stage",
    "training.grpo_stage",
    "evaluation_stage",
    "export_stage",
)


SOURCES = sources_in(ROOT)


def imported(stage: str) -> set[str]:
    return set(files_imported_by(f"pipeline.job.{stage}", SOURCES))


def test_a_stage_has_what_it_computes_with_and_no_other_stage():
    sft, evaluation = imported("training.sft_stage"), imported("evaluation_stage")
    assert {
        "pipeline/job/training/sft_stage.py",
        "pipeline/train/sft.py",
        "pipeline/loss/sft.py",  # by the name of its folder
        "pipeline/attention/segments.py",  # four imports away
        "data/conversion/dialects/dialects.toml",  # beside code that reads it
        "pipeline/model/tokenizer.py",
        "pipeline/tiny/model/chat_template.jinja",  # by its name, in that file
    } <= sft
    assert "pipeline/train/sft.py" not in evaluation
    assert "pipeline/generate/engine.py" in evaluation - sft


@pytest.mark.parametrize("stage", STAGES)
def test_neither_the_app_nor_the_command_line_nor_knobs_belong_to_a_stage(stage):
    files = imported(stage)
    assert {path.split("/")[0] for path in files} == {"data", "evals", "pipeline"}
    unrelated = {"pipeline/presets/tiny.toml", "pipeline/preflight/report.py"}
    assert not files & unrelated
    assert len(files) < len(list((ROOT / "pipeline").rglob("*.py"))) * 1.5


def test_what_python_imports_for_a_module_is_among_its_files():
    program = (  # not a stage: these load jax, which takes ten seconds
        "import sys, pipeline.job.prepare\n"
        "for module in list(sys.modules.values()):\n"
        "    if module.__name__.split('.')[0] in ('data', 'evals', 'pipeline'):\n"
        "        print(module.__file__)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = {path for path in printed.stdout.split() if not path.endswith("__init__.py")}
    assert len(files) > 20
    assert files <= {
        str(ROOT / path) for path in files_imported_by("pipeline.job.prepare", SOURCES)
    }


@pytest.fixture
def tree(tmp_path):
    """A small project of our shape."""
    for path, text in {
        "pipeline/__init__.py": "",
        "data/__init__.py": "",
        "pipeline/stage.py": "from pipeline.parts import add\nimport numpy\n",
        "pipeline/parts/__init__.py": '"""Parts."""\n',
        "pipeline/parts/__init__.pyi": "from .sums import add as add, sub as sub\n",
        "pipeline/parts/sums.py": (
            "def add():\n    from data import rows\n\n"
            "if TYPE_CHECKING:\n    from pipeline.parts import seen_by_types\n"
        ),
        "pipeline/parts/seen_by_types.py": "",
        "pipeline/parts/unused.py": "",
        "pipeline/presets/knobs.toml": "",
        "data/rows.py": "TURNS = FOLDER / 'turns.jinja'",
        "data/models/turns.jinja": "",
        "data/models/others.jinja": "",
        "pipeline/presets/turns.jinja": "",
        "data/table.toml": "",
        "workbench/page.py": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_names_of_folders_imports_in_functions_and_data_count_but_no_types(tree):
    assert files_imported_by("pipeline.stage", sources_in(tree)) == [
        "data/models/turns.jinja", "data/rows.py", "data/table.toml", "pipeline/parts/sums.py",
        "pipeline/stage.py",
    ]  # fmt: skip


def test_a_module_that_is_not_ours_is_an_error(tree):
    with pytest.raises(ValueError, match=r"'workbench\.page' is in none of data, evals, pipeline"):
        files_imported_by("workbench.page", sources_in(tree))
