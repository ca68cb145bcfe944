"""Processes of tests import a file when they run it: tests/support/by_file.py."""

import os
import subprocess
import sys

from tests import ROOT

CONFTEST = """
from pathlib import Path
import pytest
from tests.support.by_file import (
    pytest_collection_modifyitems, pytest_configure_node, pytest_pycollect_makemodule,
    pytest_runtest_protocol, pytest_xdist_make_scheduler,
)

@pytest.fixture(scope="session")
def process(worker_id):
    write("began " + worker_id)
    yield worker_id
    write("ended " + worker_id)

def write(line):
    with Path(__file__).with_name("lines").open("a") as file:
        file.write(line + "\\n")
"""
FILES = {
    "conftest.py": CONFTEST,
    "test_first.py": """
import pytest
from conftest import write
write("first")
@pytest.mark.parametrize("n", [1, 2])
def test_parameters(process, n): assert n
def test_false(process): assert process == "none"
""",
    "test_second.py": """
from conftest import write
write("second")
def test_true(process): pass
""",
    "test_third.py": """
from conftest import write
write("third")
def test_true(process): pass
""",
    "test_broken.py": "import nothing_of_this_name",
    "test_skipped.py": "import pytest; pytest.importorskip('nothing_of_this_name')",
}


def test_each_file_is_imported_once_and_what_fails_is_reported(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    options = ("-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", "--rootdir", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "1 failed, 4 passed, 1 skipped, 1 error in" in done.stdout
    assert "FAILED test_first.py::test_false - AssertionError" in done.stdout
    assert "ERROR test_broken.py" in done.stdout
    assert "No module named 'nothing_of_this_name'" in done.stdout
    lines = (tmp_path / "lines").read_text().splitlines()
    assert sorted(line for line in lines if " " not in line) == ["first", "second", "third"]
    for event in ("began", "ended"):  # of each process once, however many files it ran
        processes = [line for line in lines if line.startswith(event)]
        assert 1 <= len(processes) == len(set(processes)) <= 2
