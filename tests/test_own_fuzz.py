"""Broken and odd inputs at the public boundary: each ends in a result or in one sentence, and nothing is lost.

A hundred inputs from a fixed seed; a thousand where FTLIB_SLOW=1 is set.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import ftlib
from ftlessons.classroom.storage import Ledger
from ftlib import catalog, export, history, models, results, workspace
from ftlib.own import from_csv, from_folder

ROOT = Path(ftlib.__file__).resolve().parent
INPUTS = 1_000 if os.environ.get("FTLIB_SLOW") == "1" else 100
MOST_MB = 1_000
SENTENCES = (ValueError, FileExistsError, FileNotFoundError, ImportError, workspace.WorkspaceError)
ODD = (None, 3, -1, 2.5, True, "", "x", "a\0b", "ü" * 300, b"bytes", [], [1], {}, {"a": 1}, object, float("nan"),
       Path("no such place"))  # fmt: skip
LETTERS = list("abc ,;\t|\"'\n\r\0é\ufeff") + ["text", "label", "sep=;", "a,b\n", '"a', "=1+1", "NaN", "\U0001f600"]


def pick(rng, values):
    return values[rng.integers(len(values))]


def mangled(rng, data: bytes) -> bytes:
    """Some bytes cut, doubled, changed or put in."""
    found = bytearray(data)
    for _ in range(rng.integers(0, 5)):
        at = int(rng.integers(len(found) + 1))
        match rng.integers(5):
            case 0:
                del found[at:]
            case 1:
                found[at:at] = rng.bytes(rng.integers(1, 20))
            case 2:
                found[at:at] = pick(rng, LETTERS).encode()
            case 3:
                del found[at : at + int(rng.integers(1, 50))]
            case 4:
                found += found[at:]
    return bytes(found)


def table(rng, place):
    lines = [f"text number {i} {'x' * rng.integers(9)},{'ab'[i % 2]}" for i in range(rng.integers(0, 40))]
    data = mangled(rng, "\n".join(["text,label", *lines]).encode(pick(rng, ("utf-8", "utf-16", "cp1252", "utf-8-sig"))))
    (place / "t.csv").write_bytes(data)
    names = ("text", "label", "group", "encoding", "delimiter", "relabel", "drop", "seed", "limit", "settings",
             "backbone")  # fmt: skip
    options = {pick(rng, names): pick(rng, ODD) for _ in range(rng.integers(0, 3))}
    return lambda: from_csv(pick(rng, (place / "t.csv",) * 9 + ODD), **options)


def image() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.tile(np.arange(40, dtype=np.uint8) * 6, (40, 1))).save(file, "PNG")
    return file.getvalue()


def folder(rng, place):
    kind = pick(rng, (".png", ".wav"))
    sound = b"RIFF\x64\x1f\0\0WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0@\x1f\0\0\1\0\x08\0data@\x1f\0\0" + rng.bytes(8000)
    for label in pick(rng, ("ab", "abc", ("train", "test"), ("a", "ü b"))):
        for i in range(rng.integers(0, 8)):
            name = f"{pick(rng, ('x', 'yes', 'no'))}{i}{kind}"
            path = place / "f" / label / pick(rng, ("", "", "deep/", "a/", "b/")) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mangled(rng, image() if kind == ".png" else sound))
    names = ("group", "label", "relabel", "drop", "seed", "limit", "longest", "settings", "backbone")
    options = {pick(rng, names): pick(rng, (*ODD, "(", r"(\d)")) for _ in range(rng.integers(0, 3))}
    return lambda: from_folder(pick(rng, (place / "f",) * 9 + ODD), **options)


def saved(rng, place):
    """A saved model, one of its files broken."""
    good = place.parent / "model"
    if not good.exists():
        export.save(models.resnet10(2), Stub(), good)
    copy = place / "model"
    copy.mkdir()
    for file in good.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    file = copy / pick(rng, ("config.json", "model.safetensors", "predict.py"))
    config = json.loads((good / "config.json").read_text())
    config[pick(rng, list(config))] = pick(rng, [value for value in ODD if not isinstance(value, bytes | type | Path)])
    file.write_bytes(pick(rng, (mangled(rng, file.read_bytes()), json.dumps(config).encode())))
    (place / "p.png").write_bytes(mangled(rng, image()))
    match rng.integers(4):
        case 0:
            return lambda: export.load(pick(rng, ODD))
        case 1:
            return lambda: export.save(pick(rng, (*ODD, models.resnet10(2))), pick(rng, (*ODD, Stub())), pick(rng, ODD))
        case 2:
            return lambda: export.run_onnx(pick(rng, (*ODD, file)), pick(rng, ODD))
        case _:
            return lambda: export.load(copy).predict(pick(rng, (place / "p.png", *ODD)))


class Stub:
    """A task of two classes."""

    domain, name, classes, n_outputs = "vision", "stub", ["a", "b"], 2


def record(rng, place):
    grid = pd.DataFrame({"task": ["t"] * 4, "recipe": list("aabb"), "budget": [1, 2] * 2, "seed": 0, "score": 0.5,
                         "source_score": 0.5, "budget_unit": "labels per class"})  # fmt: skip
    traces = [{"task": "t", "recipe": "a", "seed": 0, "score": [1]}]
    data = json.dumps({"columns": grid.to_dict("list"), "traces": traces})
    (place / "results").mkdir()
    (place / "results" / "fuzz.json").write_bytes(mangled(rng, data.encode()))
    odd = grid.rename(columns={pick(rng, list(grid)): "x"})
    odd = pick(rng, (odd, grid, *ODD))
    call = pick(rng, (
        lambda: results.load("fuzz", pick(rng, (None, "t", *ODD))), lambda: results.load(pick(rng, ODD)),
        lambda: results.study(pick(rng, ("fuzz", *ODD))), lambda: results.load_traces("fuzz", pick(rng, ("t", *ODD))),
        lambda: results.scores(odd, pick(rng, ("a", *ODD)), pick(rng, (1, *ODD))), lambda: results.summary(odd),
        lambda: results.gain(odd, "a", pick(rng, ("b", *ODD)), 1), lambda: results.check_live(odd, grid),
        lambda: history.Watch(torch.nn.Linear(1, 1), None, None, 1, 1).load_state_dict(pick(rng, ODD)),
    ))  # fmt: skip
    return lambda: redirected(place, call)


def redirected(place, call):
    usual = catalog.data_dir
    catalog.data_dir = lambda: place
    try:
        return call()
    finally:
        catalog.data_dir = usual


def ledger(rng, place):
    book, good = Ledger(place / "ledger.json"), {"guesses": [{"id": "a", "text": "kept"}]}
    before = mangled(rng, json.dumps(good).encode())
    (place / "ledger.json").write_bytes(before)

    def call():
        book.entries(pick(rng, ("guesses", "other")))
        if rng.random() < 0.3:
            book.append(pick(rng, ODD), pick(rng, (*ODD, {"x": object}, {"x": {1}})))
        book.append("guesses", {"id": "new", "at": pick(rng, (1, "x", None))}, pick(rng, ((), ("id",))))
        texts = [path.read_bytes() for path in place.glob("ledger*.json")]
        assert before in texts or b"kept" in b"".join(texts) or b"kept" not in before, "an entry is lost"
        assert json.loads((place / "ledger.json").read_bytes())["guesses"][-1]["id"] == "new"

    return call


def copies(rng, place):
    source, mine = place / "lessons", place / "mine"
    cell = {"cell_type": "markdown", "source": ["# a"], "metadata": {}}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for folder_ in (source, mine, mine / ".ftlib"):
        folder_.mkdir()
    good = json.dumps(notebook).encode()
    (source / "01_a.ipynb").write_bytes(pick(rng, (good, good, good, mangled(rng, good))))
    before = mangled(rng, good)
    (mine / "01_a.ipynb").write_bytes(before)
    (mine / ".ftlib" / "copies.json").write_bytes(mangled(rng, b'{"copies": {"01_a.ipynb": "x"}}'))

    if rng.random() < 0.2:
        return lambda: workspace.copy_lessons(pick(rng, (source, *ODD)), pick(rng, (place / "other", *ODD[:-1])))

    def call():
        workspace.copy_lessons(source, mine)
        assert before in [path.read_bytes() for path in mine.glob("*.ipynb")], "a copy is lost"
        assert all(workspace.read_notebook(path) for path in [mine / "01_a.ipynb"])

    return call


KINDS = {"table": table, "folder": folder, "saved": saved, "record": record, "ledger": ledger, "copies": copies}


def peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024


def run(place: Path) -> list[str]:
    """What went wrong in all inputs."""
    faults, started = [], None
    for seed in range(INPUTS):
        kind = list(KINDS)[seed % len(KINDS)]
        rng = np.random.default_rng([20, seed])
        here = place / str(seed)
        here.mkdir()
        call = KINDS[kind](rng, here)
        try:
            found = call()
            if hasattr(found, "account"):
                book = found.account
                left = sum(counts.total() for counts in book.out.values())
                if not book.came == book.found.total() == len(found.items) + left or "Unaccounted" in repr(found):
                    faults.append(f"{kind} {seed}: lost, {found!r}")
        except SENTENCES as problem:
            frame, said = traceback.extract_tb(problem.__traceback__)[-1], str(problem)
            ours = "/ftlib/" in frame.filename or "/ftlessons/" in frame.filename
            if not ours or len(said) < 15 or " " not in said or "object at 0x" in said or "\n" in said:
                faults.append(f"{kind} {seed}: {problem!r} at {frame.filename}:{frame.lineno}")
            print(f"{kind}: {said}")
        except Exception as problem:
            frame = traceback.extract_tb(problem.__traceback__)[-1]
            faults.append(f"{kind} {seed}: raw {problem!r} at {frame.filename}:{frame.lineno}")
        half = [path for path in here.rglob(".*") if path.is_file() or path.suffix in (".part", ".old")]
        if half:
            faults.append(f"{kind} {seed}: half-written {half}")
        started = peak_mb() if seed == 11 else started  # by then all that is imported is
    if peak_mb() - started > MOST_MB:
        faults.append(f"memory: {peak_mb() - started:.0f} MB")
    print(f"peak above the imports: {peak_mb() - started:.0f} MB")
    return faults


if __name__ == "__main__":
    faults = run(Path(sys.argv[1]))
    print("\n".join(["FAULTS", *faults]))
    sys.exit(bool(faults))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
def test_odd_inputs_end_in_a_result_or_a_sentence(tmp_path):
    strict = ("CI", "FTLIB_STRICT")  # there a ledger writes nothing
    learner = {name: value for name, value in os.environ.items() if name not in strict}
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, env=learner)
    assert done.returncode == 0, done.stdout.partition("FAULTS")[2] + done.stderr[-2000:]


# --- hints


MODULES = [*sorted((ROOT / "own").glob("*.py")), *sorted((ROOT / "export").glob("*.py")),
           *(ROOT / name for name in ("history.py", "results.py", "workspace.py"))]  # fmt: skip


def messages(path: Path) -> list[str]:
    """The texts of a module's messages, what is filled in left out."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), []
    docs = {
        id(node.body[0].value) for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            found.append(node.value)
    return [text for text in found if " " in text.strip() and len(text) < 400]


def options() -> set[str]:
    """The options of the functions that these modules offer."""
    import inspect

    from ftlib.speech.audio import read

    functions = (from_csv, from_folder, export.save, read)
    return {name for function in functions for name in inspect.signature(function).parameters}


def test_every_option_that_a_message_names_exists():
    texts = [(path.name, text) for path in MODULES for text in messages(path)]
    named = {(where, name) for where, text in texts for name in re.findall(r"\b([a-z_]+)=", text)}
    others = {"sep", "index", "lr", "share"}  # of a file's first line, pandas, settings and Gradio
    assert named and not [pair for pair in named if pair[1] not in options() | others]


def test_every_function_that_a_message_names_exists():
    from ftlib import adapt
    from ftlib.own import checks

    rooms = {"adapt": adapt, "export": export, "checks": checks, "catalog": catalog}
    named = {
        (path.name, *found) for path in MODULES for text in messages(path)
        for found in re.findall(r"\b(adapt|export|checks|catalog)\.([a-z_]+)", text)
    }  # fmt: skip
    assert named and not [one for one in named if not hasattr(rooms[one[1]], one[2])]
    items = {found for path in MODULES for text in messages(path) for found in re.findall(r"task\.(\w+)", text)}
    assert items <= {"items", "skipped", "pretrained"}
