"""A hub on loopback: the few endpoints that a download of files and ``datasets.load_dataset`` talk to."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ("", "server error", "cut", "stall")
LARGE = 1000  # bytes: shorter files pass whole whatever the fault


class Server(http.server.ThreadingHTTPServer):
    """Serves ``content``, repository to its files; ``fault`` says what goes wrong, ``asked`` what was sent.

    Attributes:
        revisions: the commit of each repository; any other one is refused.
        half_sent, released: for the fault ``"stall"``: set when half of a large file is out, and to go on.
    """

    def __init__(self, content: dict[str, dict[str, bytes]], revisions: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.revisions = content, revisions
        self.fault, self.asked = "", []
        self.half_sent, self.released = threading.Event(), threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers for one request."""

    server: Server

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def do_POST(self) -> None:
        self.answer(body=True, posted=self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body: bool, posted: bytes = b"") -> None:
        path = unquote(self.path.partition("?")[0])
        if path == "/mend":  # a test's own request
            self.server.fault = ""
            return self.fail(204, "")
        if self.server.fault == "server error":
            return self.fail(500, "")
        if asked := re.fullmatch(r"/(.+)/resolve/(\w+)/(.+)", path):
            return self.file(asked[1], asked[2], asked[3], body)
        if asked := re.fullmatch(r"/api/(datasets/[^/]+/[^/]+)(?:/([\w-]+)/(\w+)(/.+)?)?", path):
            return self.listing(asked[1], asked[2], asked[3], asked[4] or "", posted)
        return self.fail(404, "RepoNotFound")

    def commit(self, repo: str, revision: str | None) -> str | None:
        """The commit that a revision stands for; None, and the answer is given, if there is none."""
        if repo not in self.server.content:
            return self.fail(404, "RepoNotFound")
        commit = self.server.revisions[repo]
        return commit if revision in (None, "main", commit) else self.fail(404, "RevisionNotFound")

    def file(self, repo: str, revision: str, name: str, body: bool) -> None:
        if (commit := self.commit(repo, revision)) is None:
            return
        if name not in self.server.content[repo]:
            return self.fail(404, "EntryNotFound")
        whole, fault = self.server.content[repo][name], self.server.fault
        self.send_response(200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha256(whole).hexdigest()}"')
        large = body and len(whole) > LARGE
        if not (large and fault == "cut"):  # without a length, the end of the connection ends the body
            self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        if not body:
            return
        self.server.asked.append(name)
        broken = large and fault in ("cut", "stall")
        self.wfile.write(whole[: len(whole) // 2] if broken else whole)
        if broken and fault == "stall":
            self.wfile.flush()
            self.server.half_sent.set()
            self.server.released.wait(30)

    def listing(self, repo: str, verb: str | None, revision: str | None, under: str, posted: bytes) -> None:
        """What a repository holds: all of it, a folder (``tree``), or the paths that are posted (``paths-info``)."""
        if (commit := self.commit(repo, revision)) is None:
            return
        files = [self.entry(name, body) for name, body in self.server.content[repo].items()]
        folders = {str(parent) for file in files for parent in Path(file["path"]).parents} - {"."}
        entries = files + [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders]
        if verb == "tree":
            inside = under.strip("/")
            found = [each for each in entries if not inside or each["path"].startswith(f"{inside}/")]
            if inside and not found:
                return self.fail(404, "EntryNotFound")
            return self.json(found)
        if verb == "paths-info":
            wanted = json.loads(posted)["paths"]
            return self.json([each for each in entries if each["path"] in wanted])
        siblings = [{"rfilename": name} for name in self.server.content[repo]]
        return self.json({"id": repo.removeprefix("datasets/"), "sha": commit, "siblings": siblings, "tags": []})

    def entry(self, name: str, body: bytes) -> dict:
        return {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}

    def json(self, found: list | dict) -> None:
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments) -> None:
        pass


@contextmanager
def serve(content: dict[str, dict[str, bytes]], revisions: str | dict[str, str]) -> Iterator[Server]:
    """A hub with these repositories (``"org/name"`` or ``"datasets/org/name"``), each at one commit."""
    if isinstance(revisions, str):
        revisions = dict.fromkeys(content, revisions)
    with Server(content, revisions) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


def environment(cache: Path, endpoint: str, **variables: str) -> dict[str, str]:
    """The environment of a process that takes ``endpoint`` for the hub, in the full profile unless told otherwise."""
    hidden = ("proxy", "hf_", "hugging", "ftlib_profile", "transformers_offline")
    kept = {key: value for key, value in os.environ.items() if not any(part in key.lower() for part in hidden)}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    kept |= {"HF_HOME": str(cache), "HF_ENDPOINT": endpoint}
    return kept | {"FTLIB_PROFILE": "full", "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"} | variables
