"""Archives that are cut off, damaged, hostile or of another version are refused, and why."""

import hashlib
import io
import json
import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from data.errors import UserError
from data.progress import no_progress
from data.store import TABLES, runs
from workbench.handover import pack_store, unpack_store

REFUSED = "Nothing was unpacked"


@pytest.fixture
def archive(killed, tmp_path) -> Path:
    pack_store(killed, tmp_path / "store.tar", 10**12, progress=no_progress)
    return tmp_path / "store.tar"


def refused(archive: Path, tmp_path: Path, why: str) -> None:
    with pytest.raises(UserError, match=why):
        unpack_store(archive, tmp_path / "there", no_progress)
    assert not (tmp_path / "there").exists()
    assert [path.name for path in tmp_path.glob(".there*")] == []


def changed(archive: Path, change) -> Path:
    """The archive with its entries (header, content) passed through `change`."""
    with tarfile.open(archive) as tar:
        entries = [(entry, tar.extractfile(entry).read()) for entry in tar]  # pyright: ignore[reportOptionalMemberAccess]
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in change(entries):
            entry.size = len(content) if entry.isreg() else 0
            tar.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return archive


def with_contents(archive: Path, **values: object) -> Path:
    def change(entries):
        first, text = entries[0]
        return [(first, json.dumps(json.loads(text) | values).encode()), *entries[1:]]

    return changed(archive, change)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.97, 0.999])
def test_an_archive_that_was_cut_off_is_refused(archive, tmp_path, share):
    content = archive.read_bytes().rstrip(b"\0")
    archive.write_bytes(content[: int(share * len(content))])
    refused(archive, tmp_path, REFUSED)


def test_an_archive_cut_off_between_two_files_is_refused(archive, tmp_path):
    refused(changed(archive, lambda entries: entries[:-3]), tmp_path, "it was cut off")


def test_one_changed_byte_of_a_file_is_found(archive, tmp_path):
    content = archive.read_bytes()
    at = content.index(b"weights of SFT") + 5
    archive.write_bytes(content[:at] + b"X" + content[at + 1 :])
    refused(archive, tmp_path, "sft-1/merged/model.safetensors' with another hash")


def test_a_file_that_the_contents_do_not_list_is_refused(archive, tmp_path):
    extra = [(tarfile.TarInfo("code/more.json"), b"{}")]
    more = changed(archive, lambda entries: [*entries[:-1], *extra, entries[-1]])
    refused(more, tmp_path, "not what its contents list")


def test_a_file_that_comes_twice_is_refused(archive, tmp_path):
    twice = changed(archive, lambda entries: [*entries[:-1], entries[1], entries[-1]])
    refused(twice, tmp_path, "not what its contents list")


@pytest.mark.parametrize(
    "name", ["../outside", "/tmp/outside", "code/../../outside", ".locks/x", "code//x", "a\\..\\b"]
)
def test_a_path_outside_the_store_is_refused(archive, tmp_path, name):
    hostile = changed(archive, lambda e: [e[0], (tarfile.TarInfo(name), b"x"), *e[1:]])
    refused(hostile, tmp_path, "outside the store")
    refused(with_contents(archive, files={name: 1}), tmp_path, "no store has|outside")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_is_refused(archive, tmp_path, kind):
    link = tarfile.TarInfo("code/link")
    link.type, link.linkname = kind, "/etc/passwd"
    hostile = changed(archive, lambda entries: [entries[0], (link, b""), *entries[1:]])
    refused(hostile, tmp_path, "a link or no plain file")


def test_a_newer_archive_or_store_is_refused_with_both_versions(archive, tmp_path):
    newer = with_contents(archive, store_format=99, thinkbench="9.1")
    refused(newer, tmp_path, "store of format 99, packed by thinkbench 9.1; this .* format 1")
    refused(with_contents(archive, format=2), tmp_path, "archive of format 2.*reads up to format 1")


@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4 a zip", b"\x1f\x8b" + bytes(600), b"\0" * 10_240]
)
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "store.tar").write_bytes(content)
    refused(tmp_path / "store.tar", tmp_path, REFUSED)


def test_contents_that_cannot_be_read_are_refused(archive, tmp_path):
    def broken(text: bytes):
        return changed(archive, lambda entries: [(entries[0][0], text), *entries[1:]])

    for text in (b"no json", b"[]", b"{}", b'{"format": "x"}', b'{"format": 1}'):
        refused(broken(text), tmp_path, REFUSED)


def test_an_archive_without_a_part_that_the_state_has_is_refused(archive, tmp_path):
    """Though contents and hashes agree, as where a tool has left a file out."""

    def change(entries):
        [(gone, _)] = [one for one in entries if "/metrics/" in f"/{one[0].name}"]
        text = json.loads(entries[0][1])
        del text["files"][gone.name]
        first = json.dumps(text).encode()
        lines = [line for line in entries[-1][1].decode().splitlines() if gone.name not in line]
        lines[0] = f"{hashlib.sha256(first).hexdigest()}  CONTENTS.json"
        rest = [one for one in entries[1:-1] if one[0] is not gone]
        return [
            (entries[0][0], first),
            *rest,
            (entries[-1][0], "".join(f"{line}\n" for line in lines).encode()),
        ]

    refused(changed(archive, change), tmp_path, "lacks 1 parts that its state.db has")


def packed_with(killed, tmp_path, statement: str, *values: str) -> Path:
    """An archive of a store in whose state.db a row was written by hand."""
    with closing(sqlite3.connect(killed.folder / "state.db")) as state:
        state.execute(statement, values)
        state.commit()
    pack_store(killed, tmp_path / "hostile.tar", 10**12, progress=no_progress)
    return tmp_path / "hostile.tar"


@pytest.mark.parametrize("path", ["../victim.parquet", "/etc/victim.parquet", "code/x.parquet"])
def test_a_part_that_upkeep_would_delete_outside_the_store_is_refused(killed, tmp_path, path):
    row = "insert into parts values (?, 'metrics', null, null, 0, 0, '', 'replaced', 1)"
    refused(packed_with(killed, tmp_path, row, path), tmp_path, "no name within a store")


def test_a_job_whose_folder_would_lie_outside_is_refused(killed, tmp_path):
    row = "insert into jobs (job, verb, spec, state, created_at) values (?, 'sft', '[]', 'done', 1)"
    refused(packed_with(killed, tmp_path, row, "../../x"), tmp_path, "no name within a store")


@pytest.mark.parametrize("summary", [{"model": "../../etc"}, {"model": "/etc"}])
def test_a_model_outside_the_store_is_refused(killed, tmp_path, summary):
    runs.begin(killed, "sft", run="sft-2", stage="sft", config={}, seed=0, inputs={})
    runs.end(killed, "sft-2", "done", summary)
    value = pack_store(killed, tmp_path / "hostile.tar", 10**12, progress=no_progress)
    assert "model of sft-2" not in value["packed"]
    refused(tmp_path / "hostile.tar", tmp_path, "no name within a store")


def test_a_run_whose_folder_would_lie_outside_is_refused(killed, tmp_path):
    columns = {name: [None] for name in TABLES["runs"]}
    now = datetime.now(UTC)
    row = columns | {"run": ["../../x"], "kind": ["sft"], "event": ["started"], "at": [now]}
    rows = pl.DataFrame(row, schema=TABLES["runs"])
    name = "runs/part-00000000000000000001-abcdef01.parquet"
    rows.write_parquet(killed.folder / name)
    pack_store(killed, tmp_path / "hostile.tar", 10**12, progress=no_progress)
    refused(tmp_path / "hostile.tar", tmp_path, "no name within a store")
