"""Training and scoring on a second device, which refuses tensors of the CPU: what a GPU would find, without one.

A process of its own for each, since PyTorch takes a device back no more. With FTLIB_SLOW=1 the core of each lesson runs
on it, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from authoring.notebooks.book import find

ROOT = Path(__file__).resolve().parents[1]
LESSONS = {lesson.id: lesson for lesson in find(ROOT / "lessons")}
SAME = 1e-3  # between the losses of the two devices
KNOWN = {"03": "weights are compared bit by bit with those of a loop that never leaves the CPU"}

START = """
import sys
import torch
import standin
from ftlib import runtime

torch.set_num_threads(1)
device = standin.register()
runtime.device = lambda: device
"""

BOTH = START + """
import json
from ftlib import adapt, fit_head, recipes, tasks

cpu, said = torch.device("cpu"), []
settings = {name: {"lr": 1e-3, "steps": 3} for name in ("head", "full", "top", "scratch", "lora", "head_then_all")}
for name, budget, chosen in json.loads(sys.argv[1]):
    task = tasks.get(name)
    task.passes = lambda recipe: 1
    if name == "manuals":
        task.asked = lambda split, everything=task.asked: everything(split)[:6]
    for recipe in chosen:
        losses = []
        for where in (cpu, device):
            runtime.device = lambda where=where: where
            run = recipes.run(recipe, task, budget, settings=settings, test_split="tune_valid")
            assert next(run.model.parameters()).device == where, "the model stayed where it was"
            losses.append([value for history in run.histories for value in history.loss])
        said.append((name, recipe, *losses))
model, task = tasks.get("digits").pretrained(), tasks.get("digits")  # just loaded, so still on the CPU
adapt.replace_head(model, 10, seed=0)
fit_head(model, task.sample(2, 0), task, lr=0.01, steps=3, progress=False)
task.evaluate(model, "tune")
print(json.dumps(said))
"""

CORE = START + """
import traceback
import nbformat

namespace, faults = {"__name__": "__main__", "display": print}, []
for cell in nbformat.read(sys.argv[1], 4).cells:
    if cell.cell_type == "code" and {"core", "solution"} & set(cell.metadata.tags):
        try:
            exec(compile(cell.source, cell.id, "exec"), namespace)
        except Exception as fault:
            if isinstance(fault, NameError) and "core" not in cell.metadata.tags:
                continue  # a solution of an extra, whose names the core does not have
            faults.append(f"{cell.id}: {traceback.format_exc(limit=-3)}")
sys.exit("\\n".join(faults) or None)
"""


def run(script: str, *arguments: str, seconds: int = 900, cwd: Path = ROOT) -> str:
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "lessons", ROOT / "tests")))
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "FTLIB_STRICT")}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=seconds, cwd=cwd,
        env=kept | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


DIGITS = ["scratch", "top", "head_then_all", "lora"]
TINY = [("digits", 1, DIGITS), ("spoken_digits", 1, ["head"]), ("manuals", 4, ["lora"])]


def test_recipes_give_the_same_on_another_device():
    for name, recipe, one, other in json.loads(run(BOTH, json.dumps(TINY)).splitlines()[-1]):
        assert one and one == pytest.approx(other, abs=SAME), f"{name}, {recipe}"


def test_the_stand_in_refuses_tensors_of_the_cpu():
    refused = START + """
there = torch.ones(2, 3).to(device)
assert torch.equal((there.T @ there).cpu(), torch.full((3, 3), 2.0)) and there.device.type == "standin"
try:
    there + torch.ones(3)
except RuntimeError as problem:
    print(problem)
"""
    assert "all tensors" in run(refused)


@pytest.mark.skipif(os.environ.get("FTLIB_SLOW") != "1", reason="minutes a lesson: FTLIB_SLOW=1 runs it")
@pytest.mark.parametrize("id", LESSONS)
def test_the_core_of_a_lesson_runs_on_another_device(id, tmp_path, request):
    if id in KNOWN:
        request.applymarker(pytest.mark.xfail(reason=KNOWN[id], strict=True))
    run(CORE, str(LESSONS[id].path), cwd=tmp_path)
