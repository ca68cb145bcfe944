"""The archive: a plain tar file that begins with its table of contents and ends with hashes.

CONTENTS.json comes first: versions, and the path and size of each file. SHA256SUMS comes last, in
the form that `sha256sum --check` reads. A file that was cut off therefore lacks the hashes.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from data.store import files
from data.store.files import StoreError

FORMAT = 1  # of archives; a newer one is refused
CONTENTS, HASHES = "CONTENTS.json", "SHA256SUMS"
CHUNK = 1 << 20  # bytes that are read at once
LARGEST_TEXT = 256 << 20  # bytes of CONTENTS.json or SHA256SUMS

Advance = Callable[[int], None]  # called with the number of bytes that were copied


class BadArchive(StoreError):
    """An archive is damaged, incomplete or hostile, or of a version that cannot be read."""


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """The header of a file. Neither owner nor time: equal files make equal archives."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def _blocks(name: str, size: int) -> int:
    """The bytes that a file takes in the archive, with its header."""
    header = len(_entry(name, size).tobuf(tarfile.PAX_FORMAT))
    return header + -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def archive_bytes(contents: dict[str, Any]) -> int:
    """The size that the archive of these contents will have, to the byte."""
    sizes: Mapping[str, int] = contents["files"]
    text = _text(contents)
    line = hashlib.sha256().digest_size * 2 + len("  \n")
    hashes = sum(line + len(name.encode()) for name in (CONTENTS, *sizes))
    total = _blocks(CONTENTS, len(text)) + _blocks(HASHES, hashes)
    total += sum(_blocks(name, size) for name, size in sizes.items())
    total += 2 * tarfile.BLOCKSIZE
    return -(-total // tarfile.RECORDSIZE) * tarfile.RECORDSIZE


def _text(contents: dict[str, Any]) -> bytes:
    return json.dumps(contents, indent=1).encode()


def write_archive(
    path: Path, contents: dict[str, Any], source: Callable[[str], Path], advance: Advance
) -> None:
    """Write the archive to `path`, which appears when it is complete and on the disk.

    source: the file on this machine that has a path in the archive
    """
    part = path.with_name(f".{path.name}.part")  # of a packing that was killed: written anew
    try:
        with part.open("wb") as file:
            _write(file, contents, source, advance)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        files.sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _write(
    file: BinaryIO, contents: dict[str, Any], source: Callable[[str], Path], advance: Advance
) -> None:
    text, hashes = _text(contents), []
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_entry(CONTENTS, len(text)), io.BytesIO(text))
        hashes.append(f"{hashlib.sha256(text).hexdigest()}  {CONTENTS}\n")
        for name, size in contents["files"].items():
            with source(name).open("rb") as original:
                hashed = _Hashed(original, advance)
                tar.addfile(_entry(name, size), hashed)  # pyright: ignore[reportArgumentType]  # it only reads
                if original.read(1):
                    raise StoreError(f"{source(name)} grew while it was packed. Pack again.")
            hashes.append(f"{hashed.hash.hexdigest()}  {name}\n")
        listed = "".join(hashes).encode()
        tar.addfile(_entry(HASHES, len(listed)), io.BytesIO(listed))


class _Hashed:
    """A file that is read once, and hashed as it is read."""

    def __init__(self, file: BinaryIO, advance: Advance) -> None:
        self.file, self.advance, self.hash = file, advance, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(size)
        self.hash.update(content)
        self.advance(len(content))
        return content


def read_contents(path: Path) -> dict[str, Any]:
    """The table of contents of an archive, checked; the files are not read."""
    with _opened(path) as tar:
        return _contents(path, tar)[0]


def extract(path: Path, folder: Path, advance: Advance) -> dict[str, Any]:
    """Write the files of an archive into `folder`, which is empty; the table of contents.

    Raises BadArchive unless each file has the size and the hash that the archive says.
    """
    with _opened(path) as tar:
        contents, digest = _contents(path, tar)
        hashes = {CONTENTS: digest}
        for entry in _entries(path, tar):
            if entry.name == HASHES:
                _check_hashes(path, contents, hashes, _small(path, tar, entry))
                return contents
            if entry.size != contents["files"].get(entry.name) or entry.name in hashes:
                raise _bad(path, f"has {entry.name!r}, which is not what its contents list")
            hashes[entry.name] = _copy(path, tar, entry, folder / entry.name, advance)
    raise _bad(path, f"ends before its last entry, {HASHES}: it was cut off")


def _opened(path: Path) -> tarfile.TarFile:
    with files.explained(path):
        try:
            return tarfile.open(path, "r:")
        except tarfile.TarError as error:
            raise _bad(path, f"is no tar file ({error})") from error


def _entries(path: Path, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The entries in order. Anything but a plain file within the archive's folder is refused."""
    while True:
        try:
            entry = tar.next()
        except (tarfile.TarError, ValueError, EOFError, OverflowError) as error:
            raise _bad(path, f"cannot be read to its end ({error})") from error
        if entry is None:
            return
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse():
            raise _bad(path, f"has {entry.name!r}, which is a link or no plain file")
        if not is_inside(entry.name):
            raise _bad(path, f"has {entry.name!r}, which would lie outside the store")
        yield entry


def is_inside(name: str) -> bool:
    """Whether a path of an archive stays in the folder that it is unpacked to."""
    levels = name.split("/")
    plain = all(level not in ("", ".", "..") for level in levels)
    return plain and not levels[0].startswith(".") and not set(name) & {"\\", "\0"}


def _contents(path: Path, tar: tarfile.TarFile) -> tuple[dict[str, Any], str]:
    """The table of contents and its hash."""
    first = next(_entries(path, tar), None)
    if first is None or first.name != CONTENTS:
        name = "nothing" if first is None else repr(first.name)
        raise _bad(path, f"begins with {name}; expected {CONTENTS}, as `thinkbench pack` writes it")
    text = _small(path, tar, first)
    try:
        contents = json.loads(text)
        number = int(contents["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise _bad(path, f"has a {CONTENTS} that cannot be read ({error})") from error
    if number > FORMAT:
        raise BadArchive(
            f"{path} is an archive of format {number}, written by thinkbench"
            f" {contents.get('thinkbench')}; this thinkbench reads up to format {FORMAT}. Upgrade"
            " thinkbench, or pack the store with this version."
        )
    sizes = contents.get("files")
    if not isinstance(sizes, dict) or not all(
        is_inside(name) and type(size) is int and size >= 0 for name, size in sizes.items()
    ):
        raise _bad(path, f"lists files in {CONTENTS} that no store has")
    return contents, hashlib.sha256(text).hexdigest()


def _small(path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    if entry.size > LARGEST_TEXT:
        raise _bad(path, f"has {entry.name} of {entry.size:,} bytes; expected a short text")
    return b"".join(_stream(path, tar, entry))


def _copy(
    path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path, advance: Advance
) -> str:
    """Write one file; its hash."""
    content = hashlib.sha256()
    with files.explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for chunk in _stream(path, tar, entry):
                content.update(chunk)
                file.write(chunk)
                advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    return content.hexdigest()


def _stream(path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[bytes]:
    reader = tar.extractfile(entry)
    assert reader is not None, "a plain file has content"
    try:
        while chunk := reader.read(CHUNK):
            yield chunk
    except tarfile.TarError as error:
        raise _bad(path, f"is cut off within {entry.name!r}") from error


def _check_hashes(
    path: Path, contents: dict[str, Any], hashes: dict[str, str], listed: bytes
) -> None:
    if absent := sorted(contents["files"].keys() - hashes.keys()):
        raise _bad(path, f"lacks {len(absent)} files that it lists, the first is {absent[0]!r}")
    pairs = (line.split("  ", 1) for line in listed.decode("utf-8", "replace").splitlines())
    expected = {pair[-1]: pair[0] for pair in pairs}
    differing = [name for name, digest in hashes.items() if expected.get(name) != digest]
    if differing or expected.keys() != hashes.keys():
        name = differing[0] if differing else min(expected.keys() ^ hashes.keys())
        raise _bad(path, f"has {name!r} with another hash than {HASHES} says: it is damaged")


def _bad(path: Path, what: str) -> BadArchive:
    return BadArchive(
        f"{path} {what}. Nothing was unpacked. Copy or download the archive again, or pack the"
        " store again."
    )
