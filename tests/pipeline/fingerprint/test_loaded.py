"""A run records the code that its process has loaded, not what the disk holds by then."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

STAGE, UNLOADED, TABLE = (
    "pipeline/config/preset.py", "pipeline/stopping.py", "data/conversion/dialects/dialects.toml"
)  # fmt: skip
START = """
from pathlib import Path
import pipeline.config.preset
from pipeline.fingerprint.code import code_of, code_on_disk
from pipeline.fingerprint.loaded import CodeChanged

def change(file):
    Path(file).write_text(Path(file).read_text() + "# other\\n")

def refused(module):
    try:
        code_of(module)
    except CodeChanged as error:
        return str(error).split(" changed")[0]
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """The code of the floors, where it can be changed."""
    root = tmp_path_factory.mktemp("code")
    for floor in ("data", "evals", "pipeline"):
        ignore = shutil.ignore_patterns("__pycache__", "*.safetensors", "tokenizer.json")
        shutil.copytree(ROOT / floor, root / floor, ignore=ignore)
    return root


def printed(root: Path, program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", START + program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_file_that_changed_between_its_import_and_the_first_stage_is_refused(copied):
    program = f"change({STAGE!r}); print(refused('pipeline.config.preset'))"
    assert printed(copied, program) == [STAGE]
    assert printed(copied, "print(refused('pipeline.config.preset'))") == ["None"]


def test_a_loaded_file_that_changes_later_is_recorded_as_it_was_loaded(copied):
    program = f"""
before = code_of("pipeline.config.preset")
change({STAGE!r})
after, disk = code_of("pipeline.config.preset"), code_on_disk("pipeline.config.preset")
print(after == before, *(name for name in disk if disk[name] != before[name]))
"""
    assert printed(copied, program) == ["True", STAGE]


def test_a_stage_whose_files_change_before_they_are_loaded_is_refused(copied):
    program = f"""
code_of("pipeline.config.preset")
change({UNLOADED!r})
print(refused("pipeline.stopping"))
code_of("data.conversion.dialects.table")
change({TABLE!r})
print(refused("data.conversion.dialects.table"))
Path({UNLOADED!r}).unlink()
print(refused("pipeline.stopping"))
"""
    assert printed(copied, program) == [UNLOADED, TABLE, UNLOADED]


def test_all_modules_of_a_stage_are_loaded_when_it_starts(copied):
    program = """
import sys
before = "data.conversion.dialects.table" in sys.modules
code_of("data.conversion.dialects.table")
print(before, "data.conversion.dialects.table" in sys.modules)
"""
    assert printed(copied, program) == ["False", "True"]
