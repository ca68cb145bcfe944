"""Fixtures that several test files share."""

import os
import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data import samples
from data.store import Store, open_store
from tests import ROOT, hostile
from workbench.cli import main

TRAINED = {"cold", "trained"}  # fixtures that train for a minute


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all tests of a file, and one all those that share what was trained.

    These come first: the other process takes what is left meanwhile.
    """

    def shares(item: pytest.Item) -> bool:
        return bool(TRAINED & set(getattr(item, "fixturenames", ())))

    for item in items:
        item.add_marker(pytest.mark.xdist_group("trained" if shares(item) else item.path.name))
    items.sort(key=shares, reverse=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A new, empty store."""
    return open_store(tmp_path / "store")


@pytest.fixture
def show(tmp_path, monkeypatch):
    """Run one file of the app on the store in `tmp_path/store`, at an address of that page."""
    monkeypatch.setenv("THINKBENCH_STORE", str(tmp_path / "store"))
    st.cache_resource.clear()
    st.cache_data.clear()

    def show(file: str, **address: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "workbench" / file), default_timeout=30)
        page.query_params.update(address)
        page.run()
        assert not page.exception
        return page

    yield show
    # a store that is kept to the end of the process makes DuckDB complain there
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def here(tmp_path: Path) -> Store:
    """The store that `show` shows."""
    return open_store(tmp_path / "store")


@pytest.fixture(scope="session")
def harmful(tmp_path_factory) -> Path:
    """The folder of a store full of the texts of tests/hostile.py."""
    folder = tmp_path_factory.mktemp("harmful")
    hostile.fill(open_store(folder / "store"), folder)
    return folder / "store"


@pytest.fixture
def full(harmful, tmp_path: Path) -> Store:
    """Likewise, where `show` shows it."""
    shutil.copytree(harmful, tmp_path / "store")
    return open_store(tmp_path / "store")


@pytest.fixture
def say(capsys, tmp_path, monkeypatch):
    """Run a command line on the store `tmp_path/store`: exit code, standard output and error."""
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
    from tests.two_layers import built, with_adapters, with_dense_attention

    blocks = with_adapters(built(blocks=True))
    return blocks, with_dense_attention(blocks)


@pytest.fixture(scope="session")
def cold(tmp_path_factory):
    """The bundled model after a short cold start: it knows the tags, so that rewards differ.

    merged: its folder   store: with the metrics of its run `sft-test`   steps: as progress told
    """
    from pipeline import models, sft
    from pipeline.config import SftConfig
    from pipeline.metrics import StoreMetrics
    from pipeline.tokens import Tokenizer, example_tokens

    folder = tmp_path_factory.mktemp("cold")
    start, store = models.load("tiny"), open_store(folder / "store")
    tokenizer = Tokenizer(start.folder)
    config = SftConfig(
        steps=40, batch=8, lora_rank=8, learning_rate=5e-3, checkpoint_every=20, max_tokens=160
    )
    made = samples.problems(64, 9, "train")
    rows = [example_tokens(tokenizer, p.question, samples.terse(p), p.gold) for p in made]
    steps: list[int] = []
    merged = sft.train(
        start,
        rows,
        tokenizer,
        config,
        folder=Path(os.path.relpath(folder)),  # as a person may name it
        metrics=StoreMetrics(store, "sft-test"),
        progress=lambda step, of, numbers: steps.append(step),
    )
    return {"folder": folder, "store": store, "merged": merged, "rows": rows, "config": config,
            "steps": steps}  # fmt: skip


@pytest.fixture(scope="session")
def trained(cold, tmp_path_factory):
    """One GRPO run of three steps, which is trained once; see tests/small_grpo.py."""
    from tests.small_grpo import run_of_three_steps

    return run_of_three_steps(cold, tmp_path_factory.mktemp("grpo"))
