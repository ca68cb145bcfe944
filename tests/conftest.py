"""Fixtures that several test files share.

What they need they import: the process that starts the others would import it for nothing.
"""

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import ROOT
from tests.support.by_file import (
    pytest_collection_modifyitems as pytest_collection_modifyitems,
    pytest_configure_node as pytest_configure_node,
    pytest_pycollect_makemodule as pytest_pycollect_makemodule,
    pytest_runtest_protocol as pytest_runtest_protocol,
    pytest_xdist_make_scheduler as pytest_xdist_make_scheduler,
)
from tests.support.few_layers import UNOPTIMIZED

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from data.store.store import Store

IN_MEMORY = Path("/dev/shm")  # a disk in memory, on Linux
ENOUGH = 4 << 30  # bytes free there
CACHE = pytest.StashKey[str]()
COMPILED = "JAX_COMPILATION_CACHE_DIR"
LARGEST_CACHE = 1 << 30  # bytes
# glibc gives freed memory back, and every array of XLA gets it anew: a tenth of the tests' CPU time
KEPT_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str((2 << 30) - 1),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


def pytest_configure(config: pytest.Config) -> None:
    """Files of tests lie in memory, where there is room; what is compiled serves all tests.

    A store writes each of its files to the disk before it goes on: tests waited for that as long as
    they computed.

    Programs are compiled without LLVM's optimizer: most of the tests' time went into compiling
    what runs once. Half of what remained were programs of one operation: these are kept as well,
    for commands that tests start and for later runs.

    Processes that are started from here keep the memory that they freed.
    """
    os.environ |= {**KEPT_MEMORY, **os.environ}
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))
    if UNOPTIMIZED not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {UNOPTIMIZED}".strip()
    if COMPILED not in os.environ:
        os.environ |= {
            COMPILED: str(_compiled(config)),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }


def _compiled(config: pytest.Config) -> Path:
    """The folder of compiled programs, emptied if it has grown too large."""
    if not hasattr(config, "cache"):  # -p no:cacheprovider
        config.stash[CACHE] = folder = tempfile.mkdtemp(prefix="thinkbench-compiled-")
        return Path(folder)
    folder = config.cache.mkdir("compiled")
    if sum(path.stat().st_size for path in folder.iterdir()) > LARGEST_CACHE:
        shutil.rmtree(folder)
    return folder


def pytest_unconfigure(config: pytest.Config) -> None:
    if folder := config.stash.get(CACHE, None):
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ[COMPILED]


@pytest.fixture
def store(tmp_path: Path) -> "Store":
    """A new, empty store."""
    from data.store.store import open_store

    return open_store(tmp_path / "store")


@functools.cache
def installed_components() -> Callable[[], list[Any]]:
    """What AppTest searches every installed package for before a page first runs.

    It is half of the time of most tests of a page, and what is installed stays while tests run.
    """
    from streamlit.components.v2 import manifest_scanner

    return functools.cache(manifest_scanner.scan_component_manifests)


@pytest.fixture
def show(tmp_path, monkeypatch):
    """Run one file of the app on the store in `tmp_path/store`, at an address of that page."""
    import streamlit as st
    from streamlit.components.v2 import manifest_scanner
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", installed_components())
    monkeypatch.setenv("THINKBENCH_STORE", str(tmp_path / "store"))
    # a page runs as __main__, which processes that a later test spawns would run again
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    st.cache_resource.clear()
    st.cache_data.clear()

    def show(name: str, **address: str) -> "AppTest":
        views = ROOT / "workbench/app/views"
        files = [views / name / "page.py", views / f"{name}.py", views.parent / f"{name}.py"]
        [file] = [path for path in files if path.exists()]
        page = AppTest.from_file(str(file), default_timeout=30)
        page.query_params.update(address)
        page.run()
        assert not page.exception
        return page

    yield show
    # a store that is kept to the end of the process makes DuckDB complain there
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def here(tmp_path: Path) -> "Store":
    """The store that `show` shows."""
    from data.store.store import open_store

    return open_store(tmp_path / "store")


@pytest.fixture
def traced(here: "Store", tmp_path: Path) -> "Store":
    """Likewise, with all that a lineage goes through: see tests/support/lineage_rows.py."""
    from tests.support.lineage_rows import traced_in

    return traced_in(here, tmp_path)


@pytest.fixture(scope="session")
def harmful(tmp_path_factory) -> Path:
    """The folder of a store full of the texts of tests/support/hostile.py."""
    from data.store.store import open_store
    from tests.support import hostile

    folder = tmp_path_factory.mktemp("harmful")
    hostile.fill(open_store(folder / "store"), folder)
    return folder / "store"


@pytest.fixture
def full(harmful, tmp_path: Path) -> "Store":
    """Likewise, where `show` shows it."""
    from data.store.store import open_store

    shutil.copytree(harmful, tmp_path / "store")
    return open_store(tmp_path / "store")


@pytest.fixture
def say(capsys, tmp_path, monkeypatch):
    """Run a command line on the store `tmp_path/store`: exit code, standard output and error."""
    from workbench.cli.main import main

    monkeypatch.setenv("THINKBENCH_STORE", str(tmp_path / "store"))

    def say(*arguments: str | Path) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return left.value.code, printed.out, printed.err

    return say


@pytest.fixture(scope="session")
def pair():
    """One model with adapters twice: its attention in blocks, and dense as Tunix has it."""
    from tests.support.two_layers import built, with_adapters, with_dense_attention

    blocks = with_adapters(built(blocks=True))
    return blocks, with_dense_attention(blocks)


@pytest.fixture(scope="session")
def few(tmp_path_factory) -> Path:
    """The folder of a model of two layers, see tests/support/few_layers.py."""
    from tests.support.few_layers import made_in

    return made_in(tmp_path_factory.mktemp("few") / "model")


@pytest.fixture(scope="session")
def cold(few, tmp_path_factory):
    """The model `few` after a short cold start: it knows the tags, so that rewards differ.

    merged: its folder   store: with the metrics of its run `sft-test`   steps: as progress told
    """
    from data.sources.samples import word_problems
    from data.store.store import open_store
    from pipeline.config import SftConfig
    from pipeline.model import gemma3
    from pipeline.model.tokenizer import Tokenizer, example_tokens
    from pipeline.train import sft
    from pipeline.train.metrics import StoreMetrics, TrainingRun

    folder = tmp_path_factory.mktemp("cold")
    start, store = gemma3.load(str(few)), open_store(folder / "store")
    tokenizer = Tokenizer(start.folder)
    config = SftConfig(
        steps=40, batch=8, lora_rank=8, learning_rate=5e-3, checkpoint_every=20, max_tokens=160
    )
    problems = word_problems.problems(64, 9, "train")
    rows = [example_tokens(tokenizer, p.question, word_problems.terse(p), p.gold) for p in problems]
    steps: list[int] = []
    merged = sft.train(
        start,
        rows,
        tokenizer,
        config,
        TrainingRun(
            folder=Path(os.path.relpath(folder)),  # as a person may name it
            metrics=StoreMetrics(store, "sft-test"),
            progress=lambda step, total, numbers: steps.append(step),
        ),
    )
    return {"folder": folder, "store": store, "merged": merged, "rows": rows, "config": config,
            "steps": steps}  # fmt: skip


@pytest.fixture(scope="session")
def trained(cold, tmp_path_factory):
    """One GRPO run of three steps, which is trained once; see tests/support/small_grpo.py."""
    from tests.support.small_grpo import run_of_three_steps

    return run_of_three_steps(cold, tmp_path_factory.mktemp("grpo"))
