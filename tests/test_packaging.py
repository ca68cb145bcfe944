"""What is shipped: the wheel holds every data file, the lock is whole and names no place."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import ROOT

SETTINGS = (ROOT / "pyproject.toml").read_text()
PROJECT = tomllib.loads(SETTINGS)["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = (ROOT / "requirements.txt").read_text()
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, flags=re.MULTILINE))
ASKED = [Requirement(line) for line in PROJECT["dependencies"] + EXTRAS["train"] + EXTRAS["dev"]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> set[str]:
    """Names of the files of the wheel that this tree builds."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(file).namelist())


@pytest.mark.parametrize("floor", ["data", "evals", "pipeline", "workbench"])
def test_the_wheel_holds_every_file_of_a_floor(wheel, floor):
    files = subprocess.run(
        ["git", "ls-files", floor], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert set(files.stdout.splitlines()) <= wheel


@pytest.mark.parametrize("floor", ["data", "evals", "pipeline", "workbench"])
def test_a_type_checker_finds_the_types_of_a_floor(wheel, floor):
    assert f"{floor}/py.typed" in wheel  # PEP 561


def test_the_wheel_brings_no_other_package(wheel):
    assert {name.split("/")[0] for name in wheel} == {
        "data",
        "evals",
        "pipeline",
        "workbench",
        "thinkbench-0.1.0.dist-info",
    }


@pytest.mark.parametrize("requirement", ASKED, ids=str)
def test_the_lock_holds_what_is_asked(requirement):
    pin = PINS[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin)


def test_every_pin_of_the_lock_has_a_hash():
    blocks = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)
    assert [block for block in blocks if block.strip() and "--hash=sha256:" not in block] == []


def test_the_lock_names_no_address_and_no_path():
    assert re.findall(r"^\s*--(?!hash=).*|://|@ |^\s*[./]", LOCK, flags=re.MULTILINE) == []


def test_a_lock_line_is_either_a_pin_or_a_hash():
    pin = r"[a-z0-9.-]+==\S+( ; .+)? \\"
    digest = r"    --hash=sha256:[0-9a-f]{64}( \\)?"
    assert [x for x in LOCK.splitlines() if not re.fullmatch(f"{pin}|{digest}", x)] == []


@pytest.mark.parametrize("requirement", PROJECT["dependencies"] + EXTRAS["train"] + EXTRAS["dev"])
def test_a_dependency_has_its_reason_beside_it(requirement):
    assert re.search(rf'^    "{re.escape(requirement)}", +# \w', SETTINGS, flags=re.MULTILINE)


@pytest.mark.parametrize("package", ["google-tunix"])
def test_a_package_whose_next_version_has_other_names_is_pinned(package):
    [requirement] = [r for r in map(Requirement, EXTRAS["train"]) if r.name == package]
    assert [s.operator for s in requirement.specifier] == ["=="]


@pytest.mark.parametrize(
    ("extra", "of_jax", "plugin"),
    [
        ("tpu", "tpu", "libtpu"),
        ("cuda", "cuda13", "jax-cuda13-plugin"),
        ("cuda12", "cuda12", "jax-cuda12-plugin"),
    ],
)
def test_an_accelerator_is_what_trains_and_the_plugin_of_the_same_jax(extra, of_jax, plugin):
    [jax] = [pin for pin in map(Requirement, EXTRAS["train"]) if pin.name == "jax"]
    assert EXTRAS[extra] == ["thinkbench[train]", f"jax[{of_jax}]{jax.specifier}"]
    assert jax.specifier == Requirement(f"jax=={metadata.version('jax')}").specifier
    brought = map(Requirement, metadata.requires("jax") or [])
    assert plugin in {
        one.name for one in brought if one.marker and one.marker.evaluate({"extra": of_jax})
    }
