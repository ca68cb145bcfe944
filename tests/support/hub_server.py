"""A server that speaks the part of Hugging Face's API by which folders are uploaded, over sockets.

Repositories, files in Git or LFS, commits, and faults that a test puts in the way of a request.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

OWNER, TOKEN, READ_ONLY = "me", "hf_WritesAndMustNotBeShown", "hf_ReadsOnly"
IN_LFS = (".parquet", ".safetensors")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CUT = "cut"


@dataclass
class Repository:
    """files: path -> content   commits: the message of each"""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Hub:
    """What the server has, and what it was asked.

    faults:   [part of a path, status or CUT] of requests that fail, each once, in order
    requests: "METHOD path" of each
    """

    address: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    faults: list[tuple[str, int | str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def hub_server() -> Iterator[Hub]:
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refused(Exception):
    """An answer with this status and error."""

    def __init__(self, status: int, error: str, **values: Any) -> None:
        super().__init__(error)
        self.status, self.values = status, values | {"error": error}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        self.hub.requests.append(f"{self.command} {path}")
        fault = self._fault(path)
        if fault == CUT:
            self.close_connection = True
            self.connection.close()
            return
        try:
            if isinstance(fault, int):
                # as servers do, it repeats what it was sent
                raise _Refused(fault, f"no: {self.headers.get('Authorization')}")
            self._send(200, self._value(path, body))
        except _Refused as refused:
            self._send(refused.status, refused.values)

    def _fault(self, path: str) -> int | str | None:
        for fault in self.hub.faults:
            if fault[0] in path:
                self.hub.faults.remove(fault)
                return fault[1]
        return None

    def _send(self, status: int, value: dict[str, Any]) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if "error" in value:
            self.send_header("X-Error-Message", value["error"])
        self.end_headers()
        self.wfile.write(content)

    def _value(self, path: str, body: bytes) -> dict[str, Any]:
        if match := re.fullmatch(r"/blobs/(\w+)", path):  # signed addresses take no token
            return self._blob(match[1], body)
        self._check_token()
        if path == "/api/whoami-v2":
            return {"type": "user", "name": OWNER}
        value = json.loads(body) if body and not path.endswith("/commit/main") else {}
        if path == "/api/repos/create":
            return self._create(value)
        if path == "/api/validate-yaml":
            return _checked_card(value["content"])
        if path == "/lfs-verify":
            return self._verified(value)
        if match := re.fullmatch(r"/(?:datasets/)?(\w+/\w+)\.git/info/lfs/objects/batch", path):
            return {"objects": [self._action(one) for one in value["objects"]]}
        if match := re.fullmatch(r"/api/((?:model|dataset)s/\w+/\w+)(/\w+/main)?", path):
            return self._of_repository(match[1], match[2], value, body)
        raise _Refused(404, f"no such address: {path}")

    def _check_token(self) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in (TOKEN, READ_ONLY):
            raise _Refused(401, f"Invalid credentials: {token}")

    def _check_writes(self, owner: str) -> None:
        if TOKEN not in self.headers["Authorization"] or owner != OWNER:
            raise _Refused(403, f"no right to write to {owner}")

    def _create(self, value: dict[str, Any]) -> dict[str, Any]:
        self._check_writes(value["organization"])
        name = f"{value['organization']}/{value['name']}"
        key = f"{value['type']}s/{name}"
        url = f"{self.hub.address}/{name if value['type'] == 'model' else key}"
        if key in self.hub.repositories:
            raise _Refused(409, "You already created this repository", url=url)
        self.hub.repositories[key] = Repository(private=value["visibility"] == "private")
        return {"url": url}

    def _of_repository(
        self, key: str, operation: str | None, value: dict[str, Any], body: bytes
    ) -> dict[str, Any]:
        repository, name = self.hub.repositories.get(key), key.partition("/")[2]
        if repository is None:
            raise _Refused(404, "Repository not found")
        if operation in (None, "/revision/main"):
            return {"id": name, "private": repository.private, "sha": COMMIT}
        self._check_writes(name.partition("/")[0])
        if operation == "/preupload/main":
            return {"files": [_mode(one["path"], repository) for one in value["files"]]}
        self._commit(repository, [json.loads(line) for line in body.splitlines()])
        return {"commitUrl": f"{self.hub.address}/{name}/commit/{COMMIT}", "commitOid": COMMIT}

    def _commit(self, repository: Repository, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                repository.commits.append(value["summary"])
            elif line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.blobs:
                    raise _Refused(400, f"{value['path']} was not uploaded")
                repository.files[value["path"]] = self.hub.blobs[value["oid"]]

    def _action(self, value: dict[str, Any]) -> dict[str, Any]:
        """How a file in LFS is uploaded; one that has arrived is not uploaded again."""
        if value["oid"] in self.hub.blobs:
            return value
        upload = {"href": f"{self.hub.address}/blobs/{value['oid']}"}
        return value | {
            "actions": {"upload": upload, "verify": {"href": f"{self.hub.address}/lfs-verify"}}
        }

    def _blob(self, oid: str, body: bytes) -> dict[str, Any]:
        if hashlib.sha256(body).hexdigest() != oid:
            raise _Refused(400, "the content has another hash")
        self.hub.blobs[oid] = body
        return {}

    def _verified(self, value: dict[str, Any]) -> dict[str, Any]:
        if len(self.hub.blobs.get(value["oid"], b"")) != value["size"]:
            raise _Refused(404, "not uploaded")
        return {}


def _mode(path: str, repository: Repository) -> dict[str, Any]:
    stored = repository.files.get(path)
    in_lfs = path.endswith(IN_LFS)
    if stored is None:
        oid = None
    elif in_lfs:
        oid = hashlib.sha256(stored).hexdigest()
    else:
        oid = hashlib.sha1(f"blob {len(stored)}\0".encode() + stored).hexdigest()
    mode = "lfs" if in_lfs else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}


def _checked_card(text: str) -> dict[str, Any]:
    """A card's front matter must be a YAML object with a licence."""
    values = yaml.safe_load(text.split("---\n")[1])
    if not isinstance(values, dict) or not isinstance(values.get("license"), str):
        raise _Refused(400, "Invalid metadata", errors=[{"message": "license is missing"}])
    return {"errors": [], "warnings": []}
