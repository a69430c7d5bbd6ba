"""Many independent runs on several cores: each finished one is kept, so that a killed grid goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ftlib import catalog, runtime


def run_jobs(function: Callable, jobs: Sequence, done: Path, workers: int) -> list[dict]:
    """Run jobs in single-threaded processes; each finished row is kept in ``done``, so a killed run goes on."""
    from multiprocessing import get_context

    from tqdm.auto import tqdm

    rows = {}
    if done.exists():
        lines = done.read_text().splitlines()
        rows = {entry["key"]: entry["row"] for entry in map(_read_line, lines) if entry}
    left = [job for job in jobs if repr(job) not in rows]
    done.parent.mkdir(parents=True, exist_ok=True)
    cut_off = done.exists() and not done.read_bytes().endswith(b"\n")
    with get_context("spawn").Pool(workers, initializer=runtime.set_threads, initargs=(1,)) as pool:
        with open(done, "a", encoding="utf-8") as file:
            file.write("\n" * cut_off)
            for job, row in tqdm(pool.imap_unordered(partial(_call, function), left), total=len(left), unit="run"):
                file.write(json.dumps({"key": repr(job), "row": row}) + "\n")
                file.flush()
                rows[repr(job)] = row
    return [rows[repr(job)] for job in jobs]


def _read_line(line: str) -> dict | None:
    try:
        return json.loads(line)
    except json.JSONDecodeError:  # the line that was being written when the run was killed
        return None


def _call(function: Callable, job: tuple) -> tuple[tuple, dict]:
    return job, function(*job)


def kept_in(name: str) -> Path:
    """Where unfinished grids wait; other weights or other data mean another file.

    Cards do not count, nor do models from a hub: they are in no recorded grid.
    """
    found = [catalog.entry(name) for kind in ("checkpoint", "dataset") for name in catalog.names(kind)]
    local = [entry for entry in found if any(source.origin != "hub" for source in entry.sources)]
    hashes = [file.sha256 for entry in local for file in entry.files if file.path != "README.md"]
    state = hashlib.sha256("".join(hashes).encode()).hexdigest()[:8]
    return Path(".ftlib") / f"{name}-{state}.jsonl"
