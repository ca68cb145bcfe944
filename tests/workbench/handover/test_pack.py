"""What a packed and unpacked store holds, and that its size is told before and kept."""

import json
import os
import subprocess

import pytest

from data.errors import UserError
from data.progress import no_progress
from data.store import ask, jobs, open_store, state
from data.store.files import locked
from workbench.handover import pack_store, read_contents, unpack_store

NO_LIMIT = 10**12


@pytest.fixture
def archive(killed, tmp_path):
    """The archive of the fixture `killed`."""
    pack_store(killed, tmp_path / "store.tar", NO_LIMIT, progress=no_progress)
    return tmp_path / "store.tar"


def test_a_store_unpacked_at_another_path_answers_as_before(killed, archive, tmp_path):
    unpack_store(archive, tmp_path / "deep" / "er", no_progress)
    there = open_store(tmp_path / "deep" / "er")
    for query in (
        "select * from metrics order by all",
        "select * from run_events order by all",
        "select * from tags order by all",
    ):
        assert ask(there, query).rows() == ask(killed, query).rows() != []
    assert (state(there, "grpo-1") or {})["event"] == "started"


def test_a_killed_run_keeps_its_newest_whole_step_and_its_adapters(archive, tmp_path):
    unpack_store(archive, tmp_path / "there", no_progress)
    checkpoints = tmp_path / "there" / "checkpoints"
    assert sorted(
        str(path.relative_to(checkpoints)) for path in checkpoints.rglob("*.safetensors")
    ) == [
        "grpo-1/adapters/4/default/arrays.safetensors",
        "grpo-1/state/6/arrays/arrays.safetensors",
        "sft-1/merged/model.safetensors",
    ]
    assert (checkpoints / "grpo-1/state/6/arrays/arrays.safetensors").read_text() == "at 6"


def test_the_size_that_is_told_before_is_that_of_the_archive(killed, tmp_path):
    plans = []
    out = tmp_path / "store.tar"
    value = pack_store(killed, out, NO_LIMIT, tell=plans.append, progress=no_progress)
    assert [plan.size for plan in plans] == [out.stat().st_size] == [value["bytes"]]
    dry = pack_store(killed, out, NO_LIMIT, dry_run=True, progress=no_progress)
    assert abs(dry["bytes"] - value["bytes"]) <= 10_240


def test_what_does_not_fit_is_left_out_and_named(killed, tmp_path):
    whole = pack_store(killed, tmp_path / "a.tar", NO_LIMIT, progress=no_progress)
    limit = whole["bytes"] - 200_000
    value = pack_store(killed, tmp_path / "b.tar", limit, progress=no_progress)
    assert (tmp_path / "b.tar").stat().st_size <= limit
    assert value["left_out"] == {"export sft-1": 400_000}
    assert read_contents(tmp_path / "b.tar")["left_out"] == {"export sft-1": 400_000}


def test_a_limit_that_what_is_needed_exceeds_is_refused_by_size(killed, tmp_path):
    with pytest.raises(UserError, match=r"does not fit into 10.0 kB: rows .* model of sft-1 1.4 k"):
        pack_store(killed, tmp_path / "a.tar", 10_000, progress=no_progress)
    assert not (tmp_path / "a.tar").exists()


def test_a_store_whose_run_is_in_progress_is_not_packed(killed, tmp_path):
    in_progress = locked(killed.folder / "checkpoints" / "grpo-1")
    with in_progress, pytest.raises(UserError, match="run grpo-1 is in progress"):
        pack_store(killed, tmp_path / "a.tar", NO_LIMIT, progress=no_progress)
    assert list(tmp_path.glob("*.tar")) == []


def test_an_archive_is_overwritten_when_asked_for_and_whole(killed, archive, tmp_path):
    before = archive.read_bytes()
    with pytest.raises(UserError, match="--overwrite"):
        pack_store(killed, archive, NO_LIMIT, progress=no_progress)

    def full(*numbers: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_store(killed, archive, NO_LIMIT, overwrite=True, progress=full)
    assert archive.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []
    pack_store(killed, archive, NO_LIMIT, overwrite=True, progress=no_progress)
    assert read_contents(archive)["files"].keys() == _files_of(before, tmp_path).keys()


def _files_of(content: bytes, folder):
    (folder / "before.tar").write_bytes(content)
    return read_contents(folder / "before.tar")["files"]


def test_an_interrupted_unpacking_leaves_no_store_and_the_next_one_works(archive, tmp_path):
    def full(*numbers: object) -> None:
        raise KeyboardInterrupt

    target = tmp_path / "there"
    with pytest.raises(KeyboardInterrupt):
        unpack_store(archive, target, full)
    assert not target.exists()
    abandoned = tmp_path / ".there.unpack-killed"  # as a SIGKILL leaves it
    abandoned.mkdir()
    (abandoned / "lock").touch()
    unpack_store(archive, target, no_progress)
    assert [path.name for path in tmp_path.glob(".there*")] == []
    assert ask(open_store(target), "select count(*) as n from metrics")["n"].item() == 2


def test_a_store_is_not_unpacked_over_other_files(archive, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="is not empty"):
        unpack_store(archive, tmp_path / "there", no_progress)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.txt"]


def test_a_job_that_waited_does_not_start_where_the_store_is_unpacked(killed, tmp_path):
    jobs.submit(killed, ["sft"], "me")
    pack_store(killed, tmp_path / "a.tar", NO_LIMIT, progress=no_progress)
    unpack_store(tmp_path / "a.tar", tmp_path / "there", no_progress)
    [there] = jobs.jobs(open_store(tmp_path / "there"))
    [here] = jobs.jobs(killed)
    assert (here.state, there.state) == ("queued", "lost")


def test_common_tools_unpack_and_check_an_archive(archive, tmp_path):
    (tmp_path / "plain").mkdir()
    subprocess.run(["tar", "xf", archive, "-C", tmp_path / "plain"], check=True)
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "plain", check=False
    )
    assert checked.returncode == 0


def test_the_commands_pack_and_unpack(killed, tmp_path, say):
    code, printed, _ = say("pack", tmp_path / "a.tar", "--json")
    assert code == 0
    value = json.loads(printed)
    assert value["bytes"] == os.path.getsize(tmp_path / "a.tar")
    code, printed, _ = say("--store", tmp_path / "new", "unpack", tmp_path / "a.tar", "--json")
    assert code == 0
    assert json.loads(printed)["packed"] == value["packed"]
    assert say("pack", tmp_path / "b.tar", "--limit", "many")[0] == 2
