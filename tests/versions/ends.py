"""The two ends of what ``pyproject.toml`` allows: the newest release of everything, and the lowest that it states.

``newest`` is resolved anew at each run, from the floors alone; ``lowest`` takes the floors themselves, with whatever
these need. Then all tests and all lessons run there, as ``make test`` runs them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from environments import ROOT, EnvironmentFault, clean, make, uv
from packaging.requirements import Requirement

SETS = {"newest": "highest", "lowest": "lowest-direct"}
# the floors have no wheels for Pythons that came after them
PYTHONS = {"newest": ("python3.13", "python3.12", "python3.11"), "lowest": ("python3.11", "python3.12")}
SHOWN = ("torch", "torchvision", "torchaudio", "transformers", "accelerate", "peft", "numpy", "pandas", "scikit-learn",
         "matplotlib", "ipywidgets", "jupyterlab", "gradio", "onnxruntime")  # fmt: skip


def resolve(name: str, python: str, into: Path) -> Path:
    """Write the pins of this set into a file, and return its path.

    Raises:
        EnvironmentFault: there is no such set of versions, or no network.
    """
    into.mkdir(parents=True, exist_ok=True)
    pins = into / "pins.txt"
    options = ["--python", python, "--extra", "test", "--extra", "files", "--no-header", "--no-annotate", "--no-emit-index-url"]
    # uv prefers the versions that a file there has
    pins.unlink(missing_ok=True)
    if not uv("pip", "compile", ROOT / "pyproject.toml", "--resolution", SETS[name], *options, "-o", pins):
        raise EnvironmentFault("The versions could not be resolved: see the lines above.")
    return pins


def differences(pins: Path) -> list[str]:
    """What the shown packages are in this set, beside what is tested, a line each."""
    there = {one.name: one for one in map(Requirement, pins.read_text(encoding="utf-8").split("\n")[:-1])}
    lines = []
    for name in SHOWN:
        (version,) = [one.version for one in there[name].specifier]
        lines.append(f"  {name:<14} {version:<12} here {metadata.version(name)}")
    return lines


def run(name: str, python: str, folder: Path, workers: int, arguments: Sequence[str]) -> int:
    """Make the environment, point it at this checkout and run pytest in it; returns pytest's exit status."""
    pins = resolve(name, python, folder)
    inside = make(folder, python, pins)
    if not uv("pip", "install", "--no-deps", "--python", inside, "-e", ROOT):
        raise EnvironmentFault("The course could not be installed: see the lines above.")
    print(f"The {name} versions, {python}:", *differences(pins), sep="\n", flush=True)
    what = list(arguments) or ["tests", "lessons"]
    if name == "lowest":  # that old versions deprecate what newer ones have dropped is no news
        what += [option for kind in ("Deprecation", "Future") for option in ("-W", f"ignore::{kind}Warning")]
    command = [str(inside), "-m", "pytest", "-n", str(workers), "--dist", "loadscope", "--nbval-lax", *what]
    return subprocess.run(command, cwd=ROOT, env=clean()).returncode


def candidates(name: str, asked: Sequence[str]) -> list[str]:
    """The Pythons to try for this set, the asked one first."""
    return [*asked, *PYTHONS[name], sys.executable]
