"""The house's own rules: who imports whom, how long a file is, what is in the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from types import UnionType

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "ftlib"
MODULES = sorted(path.relative_to(ROOT) for path in LIBRARY.rglob("*.py"))
each_module = pytest.mark.parametrize("module", MODULES, ids=str)

# a room imports only from its left
ROOMS = (
    "runtime", "catalog", "metrics", "planning", "palette", "plots", "network_plots", "audio", "sound_plots", "noise",
    "decoding", "lexicon", "adapt", "probing", "models", "tasks", "data_checks", "export", "batching", "checkpointing",
    "watching", "train", "cached", "augment", "lr_finder", "monitor", "imbalance", "monitor_plots", "news_plots",
    "recipes", "knobs", "knob_plots", "grid", "results", "studies", "classroom", "lessons", "pretrain", "workspace",
    "teaching", "doctor", "kit", "cli", "__main__",
)  # fmt: skip
# private helpers that belong to a room
LODGERS = {"_sources": "catalog", "_requirements": "doctor", "_torch_probe": "doctor", "_arm_probe": "doctor"}

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
UNSAFE = {".pt", ".pth", ".pkl", ".pickle", ".npy", ".bin"}
TREE_MB, FILE_MB, LINES = 45, 12, 300
# written with brackets so that this file does not match itself
TRACES = {
    "a path of one machine": r"/[h]ome/\w+/|/[U]sers/\w+/|/[r]oot/|/[w]ork/|/[f]arm/|[b]ash_jobs",
    "a package registry's address": r"[p]ypi\.[o]rg|[p]ythonhosted|registry\.[n]pmjs|[d]eb\.debian",
}


def room(module: Path) -> str:
    """The room a file of the library lives in."""
    name = module.relative_to("ftlib").parts[0].removesuffix(".py")
    return LODGERS.get(name, name)


def imported_rooms(module: Path, source: str) -> set[str]:
    """The rooms that a file imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("ftlib.")]
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(module.with_suffix("").parts[: -node.level]) if node.level else ""
            base = ".".join(part for part in (package, node.module) if part)
            if base == "ftlib":
                names = [f"ftlib.{alias.name}" for alias in node.names]
            elif base.startswith("ftlib."):
                names = [base]
        found |= {LODGERS.get(part, part) for part in (name.split(".")[1] for name in names)}
    return found


def wrong_imports(module: Path, source: str) -> set[str]:
    """The rooms that a file imports although they do not stand on its left."""
    here = room(module)
    allowed = {here, *ROOMS[: ROOMS.index(here)]}
    return imported_rooms(module, source) - allowed


@each_module
def test_imports_go_left(module):
    if module == Path("ftlib/__init__.py"):
        pytest.skip("the front door names what every room offers")
    assert room(module) in ROOMS, f"{module}: give its room a place in ROOMS"
    wrong = wrong_imports(module, (ROOT / module).read_text(encoding="utf-8"))
    assert not wrong, f"{module} may not import ftlib.{', ftlib.'.join(sorted(wrong))}"


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("ftlib/metrics.py", "import ftlib.train", {"train"}),
        ("ftlib/tasks/text.py", "def f():\n    from ftlib import recipes", {"recipes"}),
        ("ftlib/tasks/text.py", "from ..train import fit", {"train"}),
        ("ftlib/tasks/text.py", "from .base import Task\nfrom ftlib.metrics import f1", set()),
        ("ftlib/catalog.py", "from ftlib._sources import fetch\nfrom ftlib import runtime", set()),
    ],
)
def test_the_import_rule_itself(module, source, wrong):
    assert wrong_imports(Path(module), source) == wrong


@each_module
def test_file_is_short(module):
    lines = len((ROOT / module).read_text(encoding="utf-8").splitlines())
    assert lines <= LINES, f"{module} has {lines} lines; split it (at most {LINES})"


def is_public(node: ast.AST, kinds: UnionType = FUNCTIONS) -> bool:
    """Whether a node defines something of one of these kinds under a public name."""
    return isinstance(node, kinds) and not node.name.startswith("_")


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


@each_module
def test_public_names_are_documented_and_typed(module):
    faults = undocumented((ROOT / module).read_text(encoding="utf-8"))
    assert not faults, f"{module}: {'; '.join(faults)}"


def test_the_documentation_rule_itself():
    source = 'def f(): pass\ndef _g(): pass\nclass A:\n    """Doc."""\n    def h(self): pass\n'
    assert undocumented(source) == ["f has no docstring", "f has no return type", "h has no return type"]


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
