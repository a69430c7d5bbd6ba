"""``python -m ftlib doctor``: can this machine run the course? In plain words, with a fix for each failure.

Each check stands alone: one that crashes is reported as a failure, and the others still run. Torch is
loaded in a process of its own, because a broken one can take Python down with it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "_data"  # of an installed wheel
OK, NOTE, FAILURE = "ok", "note", "failure"

PYTHON = ((3, 11), (3, 14))  # from, below
GB = 10**9
MB = 2**20
MEMORY_GB = (2, 4)  # less is a failure, a note
DISK_GB = (0.5, 2)
PROBE_SECONDS = 120
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
# jupyterlab_widgets that belongs to each ipywidgets
WIDGETS = {"7": "1", "8": "3"}


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes:
        name: which check, one of `CHECKS`.
        status: "ok", "note" (works, but worth knowing) or "failure".
        text: what was found.
        fix: what to do about it, "" if there is nothing to do.
    """

    name: str
    status: str
    text: str
    fix: str = ""


Finding = tuple[str, str, str]  # status, text, fix


def examine() -> list[Check]:
    """Run all checks, in the order of `CHECKS`; none of them raises."""
    with ThreadPoolExecutor(1) as pool:
        torch_loads = pool.submit(_ask, TORCH)  # in the background: it takes as long as all the others together
        found = {name: _run(name, check) for name, check in CHECKS.items() if name != "device"}
        found["device"] = _run("device", lambda: _device(torch_loads.result()))
    return [found[name] for name in CHECKS]


def _run(name: str, check: Callable[[], Finding]) -> Check:
    try:
        return Check(name, *check())
    except Exception as problem:  # whatever is broken here, the other checks shall run
        text = f"This could not be checked: {type(problem).__name__}: {problem}"
        return Check(name, FAILURE, text, _reinstall())


def _reinstall(extra: str = "lab") -> str:
    if (ROOT / "pyproject.toml").is_file():
        return f"In the course's folder run: {_pip()} -c constraints.txt -e \".[{extra}]\""
    return f"Install the course again, with its extra [{extra}]."


def _pip() -> str:
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f"{python} -m pip install"


# --- python and its packages


def _python() -> Finding:
    low, high = (".".join(map(str, version)) for version in PYTHON)
    here = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if PYTHON[0] <= sys.version_info[:2] < PYTHON[1]:
        return OK, f"{here}.", ""
    fix = "Install Python 3.11, 3.12 or 3.13, delete the environment and make it again."
    return FAILURE, f"{here}: the course needs {low} or newer, below {high}.", fix


def requirements() -> dict[str, list[Requirement]]:
    """What the course needs here, by extra ("" is the base), as it was installed."""
    from packaging.requirements import Requirement

    def applies(one: Requirement, extra: str) -> bool:
        return one.name != "ftlib" and (one.marker is None or one.marker.evaluate({"extra": extra}))

    everything = [Requirement(line) for line in importlib.metadata.requires("ftlib") or ()]
    base = [one for one in everything if applies(one, "")]
    rest = [one for one in everything if one not in base]
    extras = importlib.metadata.metadata("ftlib").get_all("Provides-Extra") or ()
    return {"": base, **{extra: [one for one in rest if applies(one, extra)] for extra in extras}}


def pinned_versions() -> dict[str, str]:
    """The version of each package that the course was tested with here, by its normal name."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    file = next((file for file in (DATA / "constraints.txt", ROOT / "constraints.txt") if file.is_file()), None)
    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    pins = [Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}


def version(package: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def unfit(needed: Sequence[Requirement]) -> Iterator[str]:
    """Say which of these packages are missing, or have a version outside their range."""
    for one in needed:
        installed = version(one.name)
        if installed is None:
            yield f"{one.name} is missing"
        elif not one.specifier.contains(installed, prereleases=True):
            yield f"{one.name} is {installed}, but the course needs {one.specifier}"


def untested(needed: Sequence[Requirement]) -> Iterator[str]:
    """Say which of these packages are installed in another version than the tested one."""
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    tested = pinned_versions()
    for one in needed:
        installed, pin = version(one.name), tested.get(canonicalize_name(one.name))
        if installed and pin and Version(installed).public != pin:  # 2.11.0+cpu is 2.11.0
            yield f"{one.name} is {installed}, tested with {pin}"


def _packages() -> Finding:
    needed = requirements()
    base, lab = needed[""], needed.get("lab", [])
    if faults := list(unfit(base)):
        return FAILURE, f"{'; '.join(faults)}.", _reinstall()
    if notes := [*unfit(lab), *untested([*base, *lab])]:
        return NOTE, f"{'; '.join(notes)}.", f"If a lesson fails: {_reinstall()}"
    return OK, f"All {len(base) + len(lab)} packages are there, in the versions that were tested.", ""


# --- the machine


# Importing torchvision takes seconds; its compiled part alone tells at once whether it fits this torch.
TORCH = """
import importlib.util, json, pathlib, torch
from ftlib import runtime
try:
    package = pathlib.Path(importlib.util.find_spec("torchvision").origin).parent
    torch.ops.load_library(next(package.glob("_C.*")))
except Exception:
    import torchvision
try:
    device, error = runtime.device(), ""
except ValueError as problem:
    device, error = torch.device("cpu"), str(problem)
gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
print(json.dumps({"device": str(device), "gpu": gpu, "threads": torch.get_num_threads(), "error": error}))
"""
ARM = """
import json
from ftlib.robot import arm, views
error = pictures = ""
try:
    arm.Arm("reach").close()
    found = views.backend()
    pictures = f"rendered with {found}" if found else "drawn with matplotlib, since no graphics library works"
except arm.SimulatorMissing as problem:
    error = str(problem)
print(json.dumps({"error": error, "pictures": pictures}))
"""


def _ask(code: str) -> dict[str, Any]:
    """Run one of these in another process; "error" says what failed."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8",
        errors="replace", stdin=subprocess.DEVNULL, timeout=PROBE_SECONDS,
    )  # fmt: skip
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    last = (done.stderr.strip() or f"Python stopped with status {done.returncode}").splitlines()[-1]
    return {"device": "", "error": last}


def _device(found: dict[str, Any]) -> Finding:
    if not found["device"]:
        return FAILURE, f"torch or torchvision cannot be loaded: {found['error']}", _reinstall()
    if found["error"]:
        return FAILURE, found["error"], "Unset FTLIB_DEVICE; the course needs no GPU."
    name = found["gpu"] or {"cpu": "the CPU", "mps": "the Apple GPU"}.get(found["device"], found["device"])
    return OK, f"Computes on {name} ({found['device']}). Torch threads: {found['threads']}.", ""


def memory() -> tuple[int, int]:
    """Bytes of memory in all and free, within the limit that a container sets."""
    import psutil  # comes with accelerate

    state = psutil.virtual_memory()
    limits = [file.read_text().strip() for file in CGROUP_LIMITS if file.is_file()]
    total = min([state.total, *(int(limit) for limit in limits if limit.isdigit())])
    return total, min(state.available, total)


def _memory() -> Finding:
    total, free = memory()
    text = f"{total / GB:.1f} GB of memory, {free / GB:.1f} GB free"
    if total < MEMORY_GB[0] * GB:
        return FAILURE, f"{text}: lessons need up to 1.5 GB.", f"Use a machine with {MEMORY_GB[1]} GB or more."
    if total < MEMORY_GB[1] * GB or free < MEMORY_GB[0] * GB:
        return NOTE, f"{text}: enough for one lesson at a time.", "Close other programs and finished notebooks."
    return OK, f"{text}.", ""


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free / GB
    text, fix = f"{free:.1f} GB of disk are free", "Free some disk space."
    if free < DISK_GB[0]:
        return FAILURE, f"{text}: too little to save your work.", fix
    return (NOTE, f"{text}: not much.", fix) if free < DISK_GB[1] else (OK, f"{text}.", "")


# --- what came with the course


def _files() -> Finding:
    from ftlib import catalog
    from ftlib._sources import Unusable, fetch

    faults, broken, good = [], [], 0
    for name in catalog.names():
        found = catalog.entry(name)
        for source in found.sources:
            if source.origin == "data":
                try:
                    fetch(found, source, found.files, catalog.data_dir())
                    good += len(found.files)
                except Unusable as fault:
                    faults.append(f"{name}: {fault}")
                    broken.append(f"data/{source.path}")
    if faults:
        return FAILURE, f"{'; '.join(faults)}.", f"Run: git checkout -- {' '.join(broken)}"
    return OK, f"All {good} shipped files are there and unchanged.", ""


def _widgets() -> Finding:
    try:
        widgets = importlib.import_module("ipywidgets").__version__
    except Exception as problem:
        return FAILURE, f"ipywidgets cannot be loaded: {problem}", _reinstall()
    manager, belongs = version("jupyterlab_widgets"), WIDGETS.get(widgets.partition(".")[0])
    if version("jupyterlab") is None:
        return NOTE, f"ipywidgets {widgets}; JupyterLab is not installed here.", f"For `make lab`: {_reinstall()}"
    fix = f'Run: {_pip()} "jupyterlab_widgets=={belongs or 3}.*", and reload the browser.'
    if manager is None or not _has_extension():
        return NOTE, "JupyterLab has no widget extension: widgets show as plain text.", fix
    if belongs and manager.partition(".")[0] != belongs:
        return NOTE, f"ipywidgets {widgets} does not fit jupyterlab_widgets {manager}.", fix
    return OK, f"ipywidgets {widgets} with its JupyterLab extension {manager}.", ""


def _has_extension() -> bool:
    from jupyter_core.paths import jupyter_path

    extension = Path("@jupyter-widgets", "jupyterlab-manager", "package.json")
    return any((Path(folder) / extension).is_file() for folder in jupyter_path("labextensions"))


def _audio() -> Finding:
    try:
        return OK, f"Sound files can be read (soundfile {importlib.import_module('soundfile').__version__}).", ""
    except ImportError:
        return FAILURE, "soundfile is not installed: lessons 13 and 14 need it.", _reinstall()
    except OSError as problem:  # the package is there, the library it wraps is not
        fix = "Install libsndfile (on Debian and Ubuntu: apt install libsndfile1)."
        return FAILURE, f"soundfile cannot be loaded: {problem}. Lessons 13 and 14 need it.", fix


def _rendering() -> Finding:
    names, found = ("mujoco", "gymnasium", "gymnasium-robotics"), _ask(ARM)
    have = ", ".join(f"{name} {version(name) or 'missing'}" for name in names)
    if found["error"]:
        return NOTE, f"The robot lessons (15, 16) cannot run here ({have}): {found['error']}.", ""
    return OK, f"The robot's simulator works ({have}); pictures are {found['pictures']}.", ""


def _lessons() -> Finding:
    from ftlib.workspace import WorkspaceError, lesson_files, read_notebook

    try:
        files = lesson_files(ROOT / "lessons")
    except WorkspaceError as problem:
        return NOTE, str(problem), ""
    needed, (total, free) = requirements(), memory()
    ready, waiting, never = [], [], []
    for file in files:
        about, id = read_notebook(file).get("metadata", {}).get("ftlib", {}), file.name[:2]
        peak, extras = about.get("peak_mb", 0) * MB, about.get("extras", [])
        absent = [extra for extra in extras if extra not in needed or any(unfit(needed[extra]))]
        lacking = [name for name in about.get("files", []) if not _carried(name)]
        if peak > total:
            never.append(f"{id} needs {peak / GB:.1f} GB of memory")
        elif peak > free:
            waiting.append(f"{id} needs {peak / GB:.1f} GB of memory, more than is free now: close other programs")
        elif absent:
            waiting.append(f"{id} needs an extra. {_reinstall(','.join(absent))}")
        elif lacking:
            waiting.append(f"{id} needs {', '.join(lacking)}. {_reinstall('files')}")
        else:
            ready.append(id)
    text = f"Ready to run: {', '.join(ready) or 'none'}."
    problems = "; ".join(never + waiting)
    status = FAILURE if never else NOTE if waiting else OK
    return status, f"{text} {problems}".strip(), "Use a machine with more memory." if never else ""


def _carried(name: str) -> bool:
    """Whether a wheel that holds this entry of the catalog is installed, or its files come in another way."""
    from ftlib import catalog

    found = catalog.entry(name).sources
    return any(source.origin == "data" or (source.package and version(source.package)) for source in found)


CHECKS: dict[str, Callable[..., Finding]] = {
    "python": _python, "packages": _packages, "device": _device, "memory": _memory, "disk": _disk,
    "files": _files, "widgets": _widgets, "audio": _audio, "rendering": _rendering, "lessons": _lessons,
}  # fmt: skip


# --- the report


def report(checks: Sequence[Check], quiet: bool = False) -> str:
    """The checks as plain text, for a person.

    Args:
        checks: what `examine` returned.
        quiet: name only the failures.
    """
    lines = []
    for check in checks:
        if check.status == FAILURE or not quiet:
            lines.append(f"{check.status:<9}{check.name:<11}{check.text}")
            lines += [f"{'':<20}{check.fix}"] if check.fix else []
    failures, notes = (sum(check.status == status for check in checks) for status in (FAILURE, NOTE))
    if failures:
        lines.append(f"{failures} of {len(checks)} checks failed. Follow the advice below each.")
    else:
        lines.append(f"This machine is ready for the course.{f' Notes: {notes}.' if notes and not quiet else ''}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m ftlib doctor", description="Can this machine run the course?")
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.add_argument("--quiet", action="store_true", help="name only the failures")
    options = parser.parse_args(argv)
    checks = examine()
    failed = any(check.status == FAILURE for check in checks)
    if options.json:
        print(json.dumps({"ok": not failed, "checks": [asdict(check) for check in checks]}, indent=1))
    else:
        text, encoding = report(checks, options.quiet), sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding))
    return int(failed)
