"""The house's own rules: who imports whom, how large a room is, who needs a name, what is in the repository.

Three packages, one direction: ``authoring`` builds the course, ``ftlessons`` teaches it, ``ftlib`` does it. ``ftlib``
holds what is reused; what one lesson needs stands beside its notebook; what only builds the course is not installed.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import UnionType

import pytest

import ftlib

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"ftlib": ROOT / "ftlib", "ftlessons": ROOT / "lessons/ftlessons", "authoring": ROOT / "lessons/authoring"}

# a room imports only from floors below its own
FLOORS = (
    ("runtime", "metrics", "adapt", "batches", "classroom", "cached"),
    ("catalog", "stats", "plots", "resume", "workspace"),
    ("history", "models", "results"),
    ("train", "tasks"),
    ("speech", "robot"),
    ("recipes", "own", "doctor", "diagnosis"),
    ("export", "menu", "cli"),
)
# private helpers that belong to a room
LODGERS = {
    "_sources": "catalog", "__main__": "cli",
}  # fmt: skip

# Lines a room may have. It grows only when somebody writes the new number here, and says why in the commit.
BUDGET = {
    "ftlib": {
        "__init__": 45, "classroom": 5, "cached": 5, "runtime": 280, "metrics": 240, "adapt": 1_100, "batches": 125,
        "resume": 210, "catalog": 335, "stats": 155, "plots": 480, "workspace": 250, "history": 115, "models": 550,
        "results": 190, "train": 230, "tasks": 1_070, "speech": 1_090, "robot": 1_010, "recipes": 365, "own": 2_080,
        "doctor": 395, "diagnosis": 545, "export": 1_125, "menu": 190, "cli": 45,
    },
    "ftlessons": {
        "__init__": 25, "classroom": 2_490, "lesson00": 290, "lesson01": 640, "lesson02": 870, "lesson03": 690,
        "lesson04": 970, "lesson05": 900, "lesson06": 575, "lesson07": 1_015, "lesson09": 855, "lesson13": 795,
        "lesson14": 875, "lesson15": 195, "lesson16": 390, "lesson17": 1_160, "lesson18": 1_440, "lesson20": 115,
    },
    "authoring": {
        "__init__": 15, "__main__": 45, "stamp": 80, "grid": 60, "record": 210, "notebooks": 1_635, "teach": 1_215,
        "kit": 610, "photographs": 155, "pretrain": 2_480,
    },
}  # fmt: skip
NEW_LESSON, FILE_LINES, TOTAL = 350, 400, {"ftlib": 12_200}

DOMAINS = {"speech", "robot", "own", "export"}
# names of the core that one lesson alone uses, each with the reason why it stands in the library all the same
FOR_ONE_LESSON = {
    "calibration_error": "a metric, beside the plot that shows it",
    "kappa_interval": "a metric, beside kappa",
    "savings": "planning: what whoever has data of their own asks first",
}
FOR_USERS = {"set_profile"}  # for whoever finds a GPU after Python has started

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
UNSAFE = {".pt", ".pth", ".pkl", ".pickle", ".npy", ".bin"}
TREE_MB, FILE_MB = 60, 12
# written with brackets so that this file does not match itself
TRACES = {
    "a path of one machine": r"/[h]ome/\w+/|/[U]sers/\w+/|/[r]oot/|/[w]ork/|/[f]arm/|[b]ash_jobs",
    "a package registry's address": r"[p]ypi\.[o]rg|[p]ythonhosted|registry\.[n]pmjs|[d]eb\.debian",
}


@cache
def files(package: str) -> dict[Path, str]:
    """The Python files of a package and their text."""
    return {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGES[package].rglob("*.py"))}


def room(package: str, path: Path) -> str:
    """The room a file lives in: the folder or file right below its package."""
    name = path.relative_to(PACKAGES[package]).parts[0].removesuffix(".py")
    return LODGERS.get(name, name) if package == "ftlib" else name


def imported(source: str) -> Iterator[str]:
    """The dotted names of our packages that a file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "write imports in full: from ftlib.tasks.base import Task"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(source: str) -> Iterator[tuple[str, str]]:
    """Package and room of each of our imports."""
    for name in imported(source):
        package, _, rest = name.partition(".")
        if package in PACKAGES:
            here = rest.split(".")[0]
            yield package, LODGERS.get(here, here) if package == "ftlib" else here


def floor(name: str) -> int:
    """The number of the floor on which a room of `ftlib` stands."""
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def wrong_imports(package: str, here: str, source: str) -> list[str]:
    """What a file imports although it stands above it, beside it, or later in the course."""
    order, faults = list(PACKAGES), []
    for other, name in ours(source):
        if order.index(other) > order.index(package):
            faults.append(f"{package} knows nothing of {other}")
        elif package == other == "ftlib" and here not in ("__init__", name) and name in ftlib_rooms():
            if floor(name) >= floor(here):
                faults.append(f"{here} stands no higher than {name}")
        elif package == other == "ftlessons" and name.startswith("lesson") and name != here:
            if not here.startswith("lesson") or name > here:
                faults.append(f"{here} may not need {name}: only a later lesson may")
    return faults


def ftlib_rooms() -> set[str]:
    """The rooms that have a floor."""
    return {name for rooms in FLOORS for name in rooms}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package):
    faults = [
        f"{path.relative_to(ROOT)}: {fault}"
        for path, source in files(package).items()
        for fault in wrong_imports(package, room(package, path), source)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("package", "here", "source", "wrong"),
    [
        ("ftlib", "metrics", "import ftlib.train", 1),
        ("ftlib", "tasks", "def f():\n    from ftlib import recipes", 1),
        ("ftlib", "tasks", "from ftlib.tasks.base import Task\nfrom ftlib.metrics import f1", 0),
        ("ftlib", "catalog", "from ftlib._sources import fetch\nfrom ftlib import runtime", 0),
        ("ftlib", "workspace", "from ftlessons.classroom.storage import Ledger", 1),
        ("ftlessons", "lesson05", "from ftlessons.lesson04 import augment\nfrom ftlib import fit", 0),
        ("ftlessons", "lesson04", "from ftlessons.lesson05 import imbalance", 1),
        ("ftlessons", "classroom", "from ftlessons.lesson05 import imbalance", 1),
        ("ftlessons", "classroom", "def f():\n    from authoring import record", 1),
        ("authoring", "record", "from ftlessons import check\nfrom ftlib import fit", 0),
    ],
)
def test_the_import_rule_itself(package, here, source, wrong):
    assert len(wrong_imports(package, here, source)) == wrong


def test_the_library_has_no_circle_of_rooms():
    """Floors forbid one between rooms; a second floor plan that is no order would not."""
    assert len([name for rooms in FLOORS for name in rooms]) == len(ftlib_rooms())
    assert {room("ftlib", path) for path in files("ftlib")} - {"__init__"} == ftlib_rooms(), "give each room its floor"


def lines(package: str) -> dict[str, int]:
    """How many lines each room has."""
    found: dict[str, int] = {}
    for path, source in files(package).items():
        found[room(package, path)] = found.get(room(package, path), 0) + len(source.splitlines())
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_stay_within_their_budgets(package):
    budget, there = BUDGET[package], lines(package)
    allowed = {name: budget.get(name, NEW_LESSON if name.startswith("lesson") else 0) for name in there}
    over = [f"{package}/{name} has {n} lines, and {allowed[name]} are allowed"
            for name, n in there.items() if n > allowed[name]]  # fmt: skip
    assert not over, "; ".join(over) + ": make it smaller, or write the new number into BUDGET and say why"
    assert sum(there.values()) <= TOTAL.get(package, 10**6)
    assert set(budget) <= set(there), "a room in BUDGET is gone"


@pytest.mark.parametrize("package", PACKAGES)
def test_files_are_short(package):
    long = {path.name: len(source.splitlines()) for path, source in files(package).items()}
    assert not [f"{name}: {n}" for name, n in long.items() if n > FILE_LINES], f"split it: at most {FILE_LINES} lines"


# --- who needs a name ------------------------------------------------------------------------------


def is_public(node: ast.AST, kinds: UnionType = FUNCTIONS) -> bool:
    """Whether a node defines something of one of these kinds under a public name."""
    return isinstance(node, kinds) and not node.name.startswith("_")


def notebook_text(path: Path) -> str:
    """All cells of a notebook: a learner may need what only the text names."""
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])


@cache
def users() -> dict[str, Counter[str]]:
    """For each word, who uses it how often: lessons (notebook and folder as one), rooms, ``authoring``."""
    found: dict[str, Counter[str]] = {}
    texts = [(f"lesson{path.name[:2]}", notebook_text(path)) for path in (ROOT / "lessons").glob("[0-9]*.ipynb")]
    for package in PACKAGES:
        for path, source in files(package).items():
            here = room(package, path)
            texts.append(("authoring" if package == "authoring" else here, source))
    for who, text in texts:
        for word in re.findall(r"\b[A-Za-z_]\w+\b", text):
            found.setdefault(word, Counter())[who] += 1
    return found


def public_names() -> Iterator[tuple[str, str]]:
    """Room and name of each public function and class of the library, tasks left out: they are found by name."""
    for path, source in files("ftlib").items():
        for node in ast.parse(source).body:
            if is_public(node, FUNCTIONS | ast.ClassDef) and "\n    name = " not in ast.unparse(node):
                yield room("ftlib", path), node.name


def test_every_public_name_of_the_library_has_a_user():
    unused = [f"{here}.{name}" for here, name in public_names() if users()[name].total() < 2 and name not in FOR_USERS]
    assert not unused, f"nobody needs {', '.join(unused)}: delete it"


def test_the_core_holds_what_is_shared():
    """Outside the rooms of a domain a name enters when a third lesson or a second domain needs it."""
    alone = set()
    for here, name in public_names():
        others = [who for who in users()[name] if who != here]
        if here not in DOMAINS and users()[name][here] < 2 and len(others) == 1 and others[0].startswith("lesson"):
            alone.add(name)
    new, gone = sorted(alone - set(FOR_ONE_LESSON)), sorted(set(FOR_ONE_LESSON) - alone)
    assert not new, f"{', '.join(new)}: one lesson alone uses it, so it belongs into that lesson's folder"
    assert not gone, f"{', '.join(gone)}: no longer used by one lesson alone; take it off the list"


def test_the_front_door_opens():
    for name in ftlib.__all__:
        assert getattr(ftlib, name) is not None
    undocumented = [name for name in ftlib.__all__ if not (getattr(ftlib, name).__doc__ or name.isupper())]
    assert not undocumented


def test_lessons_use_no_private_name_and_no_later_lesson():
    faults = []
    for path in sorted((ROOT / "lessons").glob("[0-9]*.ipynb")):
        id = path.name[:2]
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code" or "colab" in cell["metadata"].get("tags", []):
                continue
            for name in imported("".join(cell["source"])):
                package, *rest = name.split(".")
                if package == "authoring":
                    faults.append(f"{id}: a learner has no {name}")
                if package in PACKAGES and any(part.startswith("_") for part in rest):
                    faults.append(f"{id}: {name} is private")
                if package == "ftlessons" and rest and re.fullmatch(r"lesson\d\d", rest[0]) and rest[0][-2:] > id:
                    faults.append(f"{id}: {name} is of a later lesson")
    assert not faults, "\n".join(faults)


# --- documentation ---------------------------------------------------------------------------------


def undocumented(source: str) -> list[str]:
    """Public functions without docstring or return type, public classes without docstring."""
    faults = []
    for node in ast.parse(source).body:
        if not is_public(node, FUNCTIONS | ast.ClassDef):
            continue
        if not ast.get_docstring(node):
            faults.append(f"{node.name} has no docstring")
        functions = [f for f in (node.body if isinstance(node, ast.ClassDef) else [node]) if is_public(f)]
        faults += [
            f"{function.name} has no return type" for function in functions if function.returns is None
        ]
    return faults


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_documented_and_typed(package):
    faults = [f"{path.name}: {fault}" for path, source in files(package).items() for fault in undocumented(source)]
    assert not faults, "; ".join(faults)


def test_the_documentation_rule_itself():
    source = 'def f(): pass\ndef _g(): pass\nclass A:\n    """Doc."""\n    def h(self): pass\n'
    assert undocumented(source) == ["f has no docstring", "f has no return type", "h has no return type"]


# --- the repository --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that are in the repository or would be added to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this copy of the course is not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_loads_through_pickle(tracked):
    unsafe = [path.name for path in tracked if path.suffix in UNSAFE]
    assert not unsafe, f"use safetensors, npz or parquet instead of {unsafe}"


def test_repository_stays_small(tracked):
    sizes = {path: path.stat().st_size / 2**20 for path in tracked}
    assert sum(sizes.values()) <= TREE_MB
    assert not [path.name for path, size in sizes.items() if size > FILE_MB]


@pytest.mark.parametrize("what", TRACES)
def test_no_file_names_one_machine_or_a_registry(tracked, what):
    pattern = re.compile(TRACES[what])
    found = []
    for path in tracked:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{n}" for n, line in enumerate(lines, 1) if pattern.search(line)]
    assert not found, f"{what} in {', '.join(found[:5])}"


@pytest.mark.parametrize("line", ["/ho" + "me/ada/x", "/ro" + "ot/x", "see py" + "pi.org"])
def test_the_traces_rule_itself(line):
    assert any(re.search(pattern, line) for pattern in TRACES.values())
