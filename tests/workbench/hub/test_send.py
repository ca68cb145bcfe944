"""Sending to a hub that is a server of this machine: what arrives, and what is said of faults."""

import json
from pathlib import Path

import pytest

from data.store import open_store, runs
from tests.support.hub_server import CUT, READ_ONLY, TOKEN, Repository, hub_server
from workbench.hub import hugging_face

# of the library's own upload of a file
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The server, whose files go through LFS: Xet's own protocol is not spoken."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(hugging_face, "WAIT", 0.0)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with hub_server() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub


@pytest.fixture
def model(tmp_path):
    """A run with an export and an adapter, small files in place of weights."""
    store = open_store(tmp_path / "store")
    runs.begin(store, "grpo", run="grpo-1", config={}, seed=0, inputs={})
    runs.end(store, "grpo-1", "done", {"model": "checkpoints/grpo-1/merged"})
    for name, config, weights in (
        ("grpo-1", "config.json", "model.safetensors"),
        ("grpo-1-adapter", "adapter_config.json", "adapter_model.safetensors"),
    ):
        folder = store.folder / "exports" / name
        folder.mkdir(parents=True)
        (folder / config).write_text(json.dumps({"base_model_name_or_path": "google/base"}))
        (folder / weights).write_bytes(b"weights of " + name.encode())


SUBSET = ("subset", "short", "--to", "huggingface:me/short")
MODEL = ("model", "grpo-1", "--to", "huggingface:me/model")
ADAPTER = (*MODEL, "--adapter")


def contents(folder: Path) -> dict[str, bytes]:
    """As they lie in a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def sent(say, *words: str) -> dict:
    code, printed, errors = say("push", *words, "--json")
    assert code == 0, errors
    assert TOKEN not in printed + errors
    return json.loads(printed)


def refused(say, *words: str) -> str:
    code, printed, errors = say("push", *words, "--json")
    assert code == 2
    assert TOKEN not in printed + errors
    return errors


def no_file_has_the_token(folder: Path) -> bool:
    return not [path for path, content in contents(folder).items() if TOKEN.encode() in content]


def test_what_arrives_is_what_a_dry_run_writes(say, hub, short, model, one, tmp_path):
    evaluation = ("evaluation", "one", "--to", "huggingface:me/answers")
    for words, key in ((SUBSET, "datasets/me/short"), (evaluation, "datasets/me/answers"),
                       (MODEL, "models/me/model"), (ADAPTER, "models/me/model")):  # fmt: skip
        before = set(hub.repositories.get(key, Repository(True)).files)
        value = sent(say, *words)
        out = tmp_path / f"{'-'.join(words[:2])}{len(words)}"
        assert say("push", *words, "--dry-run", "--out", out)[0] == 0
        repository, expected = hub.repositories[key], contents(out)
        arrived = {name: repository.files[name] for name in expected}
        # a report says when it was made
        times = {name for name in expected if name.endswith(".html")}
        assert {n: c for n, c in arrived.items() if n not in times} == {
            n: c for n, c in expected.items() if n not in times
        }
        assert set(repository.files) - before <= set(expected)
        assert repository.private
        assert value["address"].startswith(hub.address)
    assert hub.repositories["models/me/model"].commits == ["grpo-1, by thinkbench"] * 2
    card = hub.repositories["models/me/model"].files["README.md"].decode()
    assert 'base_model: "google/base"' in card
    assert 'library_name: "peft"' in card
    assert len(hub.blobs) == 4
    assert no_file_has_the_token(tmp_path)


def test_a_file_that_does_not_arrive_is_named(say, hub, short):
    hub.faults.append(("/blobs/", 403))
    errors = refused(say, *SUBSET)
    assert "Error while uploading 'data/train-00000-of-00001.parquet'" in errors
    assert "The token may not write there" in errors


def test_the_same_rows_again_add_no_commit(say, hub, short):
    sent(say, *SUBSET)
    sent(say, *SUBSET)
    assert len(hub.repositories["datasets/me/short"].commits) == 1


def test_a_subset_without_large_files_goes_through_the_pipeline_that_xet_uses(
    say, hub, short, monkeypatch
):
    from huggingface_hub import constants

    from tests.support import hub_server as server

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    monkeypatch.setattr(server, "IN_LFS", ())
    sent(say, *SUBSET)
    assert len(hub.repositories["datasets/me/short"].files) == 3


REFUSALS = [
    ("hf_UnknownToTheHub", "huggingface:me/short", "The token is not valid"),
    (READ_ONLY, "huggingface:me/short", "The token may not write there"),
    (TOKEN, "huggingface:someone/short", "The token may not write there"),
    ("", "huggingface:me/short", "no token of Hugging Face is here"),
    (TOKEN, "huggingface:me/" + "x" * 97, "does not take this name"),
]


def test_what_the_hub_refuses_is_said_without_the_token(say, hub, short, monkeypatch):
    for token, to, message in REFUSALS:
        monkeypatch.setenv("HF_TOKEN", token)
        code, printed, errors = say("push", "subset", "short", "--to", to)
        assert code == 2
        assert message in errors
        assert "Traceback" not in errors
        assert not token or token not in printed + errors
    assert hub.repositories == {}


def test_private_rows_do_not_go_to_a_repository_that_is_public(say, hub, short):
    hub.repositories["datasets/me/short"] = Repository(private=False)
    assert "exists and is public" in refused(say, *SUBSET)
    assert hub.repositories["datasets/me/short"].files == {}
    sent(say, *SUBSET, "--public")
    assert len(hub.repositories["datasets/me/short"].files) == 3


@pytest.mark.parametrize("fault", [500, CUT])
def test_a_fault_that_passes_is_overcome_wherever_it_comes(say, hub, short, monkeypatch, fault):
    from huggingface_hub.utils import _http

    defaults = _http.http_backoff.__kwdefaults__ or {}
    monkeypatch.setattr(_http.http_backoff, "__kwdefaults__", defaults | {"base_wait_time": 0})
    for part in ("repos/create", "/preupload/", "/batch", "/blobs/", "/lfs-verify", "/commit/"):
        hub.repositories.clear()
        hub.blobs.clear()
        hub.faults.append((part, fault))
        sent(say, *SUBSET)
        assert hub.faults == [], part
        assert len(hub.repositories["datasets/me/short"].files) == 3


@pytest.mark.parametrize("fault", [500, CUT])
def test_a_fault_that_stays_is_reported_and_leaves_nothing_here(say, hub, short, tmp_path, fault):
    hub.faults += [("/api/repos/create", fault)] * 3
    errors = refused(say, *SUBSET)
    assert "It was tried 3 times" in errors
    assert hub.faults == []
    assert not list(Path(tmp_path).parent.glob("*-thinkbench-push"))


def test_a_hub_that_is_not_there_is_reported(say, short, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert "check the network" in refused(say, *SUBSET)
