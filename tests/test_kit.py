"""The kit for a room without a network: who it is for, what is fetched, what a damaged or half one does.

uv and pip run as they are, but on tiny wheels in a folder: nothing here touches the network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest

from authoring import __main__ as authoring
from authoring.kit import folder, start, wheels
from authoring.kit.folder import readme
from authoring.kit.targets import PLATFORMS, KitError, Target, targets
from authoring.notebooks import book

ROOT = Path(__file__).resolve().parent.parent
HERE = "{}.{}".format(*sys.version_info)
ABI = f"cp{HERE.replace('.', '')}"
LINUX, WINDOWS = Target("linux", HERE), Target("windows", HERE)
ALLOWED = ">=3.11,<3.14"
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    import os
    name = "ftlib-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("ftlib.pth", os.getcwd())
        wheel.writestr("ftlib-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("ftlib-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\n"
                       "Tag: py3-none-any\\n")
        wheel.writestr("ftlib-1.0.dist-info/RECORD", "")
    return name

METADATA = '''Metadata-Version: 2.1
Name: ftlib
Version: 1.0
Requires-Dist: tiny
Provides-Extra: lab
Requires-Dist: speck; extra == "lab"
'''
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "ftlib"
version = "1.0"
requires-python = ">=3.11,<3.14"
dependencies = ["tiny"]
[project.optional-dependencies]
lab = ["speck", "winonly; sys_platform == 'win32'"]
"""


def wheel(where: Path, name: str, version: str, tag: str = "py3-none-any", text: str = "here = 1\n") -> Path:
    """A wheel with one module."""
    info = f"{name}-{version}.dist-info"
    file = where / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(f"{name}.py", text)
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        made.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: {tag}\n")
        made.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return file


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder that uv and pip take for the package index: tiny for all, speck by platform, one for Windows."""
    pytest.importorskip("uv", reason="make installs uv")
    place = tmp_path_factory.mktemp("index")
    wheel(place, "tiny", "1.0")
    for name in ("linux", "windows"):
        wheel(place, "speck", "2.0", f"{ABI}-{ABI}-{PLATFORMS[name][0]}", f"platform = '{name}'\n")
    wheel(place, "speck", "3.0")  # newer than constraints.txt allows
    wheel(place, "winonly", "1.0")
    for name in ("tiny", "speck", "winonly"):
        found = place.glob(f"{name}-*.whl")
        links = [f'<a href="../{one.name}#sha256={start.sha256(one)}">{one.name}</a>' for one in found]
        (place / name).mkdir()
        (place / name / "index.html").write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")
    settings = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(place / "cache")}
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
            patch.delenv(name)
        for name, value in {**settings, "PIP_INDEX_URL": place.as_uri(), "UV_DEFAULT_INDEX": place.as_uri()}.items():
            patch.setenv(name, value)
        yield place


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A tiny course: a project, a lesson, and what git would ignore."""
    place = tmp_path_factory.mktemp("course")
    for name in ("lessons", "ftlib", ".venv", "work", "build"):
        (place / name).mkdir(parents=True)
    (place / "pyproject.toml").write_text(PROJECT)
    (place / "backend.py").write_text(BACKEND)
    (place / "constraints.txt").write_text("tiny==1.0\nspeck==2.0\nwinonly==1.0\n")
    (place / "lessons" / "03_x.ipynb").write_text("{}")
    (place / "ftlib" / "__init__.py").write_text("import tiny, speck\n")
    (place / "work" / "mine.txt").write_text("mine")
    return place


@pytest.fixture(scope="module")
def built(index, course, tmp_path_factory):
    """A finished kit for Linux and Windows, which no test may change."""
    return folder.build(tmp_path_factory.mktemp("built") / "kit", course, [LINUX, WINDOWS], lambda text: None)


@pytest.fixture
def whole(built, tmp_path):
    """A copy of the finished kit."""
    return Path(shutil.copytree(built, tmp_path / "kit"))


def files(place: Path) -> set[str]:
    return {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}


# --- the machines


def test_each_platform_with_each_python():
    found = targets(["linux", "mac", "linux"], ["3.11", "3.13"], ALLOWED)
    assert [str(target) for target in found] == [
        "manylinux_2_28_x86_64 with Python 3.11", "manylinux_2_28_x86_64 with Python 3.13",
        "macosx_13_0_arm64 with Python 3.11", "macosx_13_0_arm64 with Python 3.13",
    ]  # fmt: skip
    assert {"manylinux_2_17_aarch64", "manylinux2014_aarch64"} <= set(Target("linux-arm", "3.11").tags())


def test_without_a_name_it_is_this_machine(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    monkeypatch.setattr(sys, "platform", "win32")
    assert targets([], [], ALLOWED) == [WINDOWS]


@pytest.mark.parametrize(
    ("platforms", "pythons", "said"),
    [
        (["amiga"], [], "'amiga' is no platform that a kit can be made for: write linux, linux-arm, mac, windows"),
        *((["linux"], [version], f"Python '{version}' does not suit") for version in ("3.10", "3.14", "3", "3.11.2")),
    ],
)
def test_what_the_course_does_not_run_on(platforms, pythons, said):
    with pytest.raises(KitError, match=said):
        targets(platforms, pythons, ALLOWED)


# --- a kit


def test_a_kit_holds_wheels_course_start_scripts_and_sums(built):
    assert files(built) == {
        "SHA256SUMS", "README.md", "kit.json", "start.py", "start.sh", "start.bat",
        "wheels/tiny-1.0-py3-none-any.whl", "wheels/winonly-1.0-py3-none-any.whl",
        f"wheels/speck-2.0-{ABI}-{ABI}-manylinux_2_28_x86_64.whl", f"wheels/speck-2.0-{ABI}-{ABI}-win_amd64.whl",
        "course/pyproject.toml", "course/backend.py", "course/constraints.txt", "course/lessons/03_x.ipynb",
        "course/ftlib/__init__.py",
    }  # fmt: skip
    listed = (built / "SHA256SUMS").read_text().splitlines()
    assert {line[66:] for line in listed} == files(built) - {"SHA256SUMS"}
    assert f"{hashlib.sha256((built / 'start.py').read_bytes()).hexdigest()}  start.py" in listed
    assert start.faults(built) == [] and not built.with_name("kit.part").exists()
    assert (built / "start.bat").read_bytes().endswith(b"errorlevel 1 pause\r\n")
    assert os.access(built / "start.sh", os.X_OK) or os.name == "nt"
    about, text = json.loads((built / "kit.json").read_text()), (built / "README.md").read_text()
    assert about["targets"] == [str(LINUX), str(WINDOWS)] and about["pythons"] == [HERE]
    assert 0 < about["bytes"] <= folder.size(built) and about["installed_bytes"] > 0
    assert f"- {LINUX}\n- {WINDOWS}\n" in text and f"You need Python {HERE}." in text


def test_the_readme_says_which_torch_it_holds():
    about = {"bytes": 5e8, "installed_bytes": 2e9, "targets": [str(LINUX)], "pythons": ["3.11", "3.12"]}
    text = readme(about | {"torch": {str(LINUX): "2.11.0+cpu"}})
    assert "torch 2.11.0+cpu is its CPU build" in text and "takes 0.5 GB" in text and "Python 3.11 or 3.12" in text
    assert "CUDA" in readme(about | {"torch": {str(LINUX): "2.11.0"}})
    assert "CUDA" not in readme(about | {"torch": {str(WINDOWS): "2.11.0"}})


def test_a_second_kit_takes_the_place_and_keeps_no_old_wheel(whole, index, course):
    (whole.with_name("kit.part") / "wheels").mkdir(parents=True)
    (whole.with_name("kit.part") / "wheels" / "tiny-1.0-py3-none-any.whl").write_bytes(b"half of a broken run")
    folder.build(whole, course, [LINUX], lambda text: None)
    assert not [name for name in files(whole) if "win" in name] and start.faults(whole) == []
    assert zipfile.is_zipfile(whole / "wheels" / "tiny-1.0-py3-none-any.whl")
    assert not list(whole.parent.glob("kit.*"))


def test_an_interrupted_run_leaves_no_kit_and_the_earlier_one(whole, course, monkeypatch):
    before = (whole / "SHA256SUMS").read_text()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(wheels, "fetch", stop)
    with pytest.raises(KeyboardInterrupt):
        folder.build(whole, course, [LINUX], lambda text: None)
    assert (whole / "SHA256SUMS").read_text() == before and start.faults(whole) == []
    assert start.faults(whole.with_name("kit.part")) == ["SHA256SUMS is missing or unreadable"]


def test_a_package_without_a_wheel_is_named_with_its_platform(index, course, tmp_path):
    with pytest.raises(KitError, match=rf"^speck 2\.0 has no wheel for macosx_13_0_arm64 with Python {HERE}\.") as stop:
        folder.build(tmp_path / "kit", course, [Target("mac", HERE)], lambda text: None)
    assert "\n" not in str(stop.value) and not (tmp_path / "kit").exists()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("error: x\n cause: Because scikit-learn==1.9.1 has no usable wheels and ftlib depends on it\n",
         "scikit-learn 1.9.1 has no wheel for win_amd64 with Python 3.11."),
        ("ERROR: No matching distribution found for scipy==1.17.1 (from -r x)",
         "scipy 1.17.1 has no wheel for win_amd64 with Python 3.11."),
        ("error: Request failed after 3 retries\n  cause: Failed to fetch: https://x/\n",
         "The package index cannot be reached: connect and run this again. What has arrived is kept."),
        ("ERROR: [Errno 28] No space left on device\n",
         "The packages for win_amd64 with Python 3.11 could not be fetched: ERROR: [Errno 28] No space left on device"),
        ("", "The packages for win_amd64 with Python 3.11 could not be fetched: no reason given"),
    ],
)  # fmt: skip
def test_what_uv_and_pip_say_becomes_one_sentence(told, sentence):
    assert str(wheels._fault(told, Target("windows", "3.11"))) == sentence


def test_the_cpu_build_is_preferred_on_linux_and_missed_in_one_sentence(tmp_path, monkeypatch):
    asked, said = [], []

    def lock(reachable, course, target, file, cpu_torch, extras=wheels.EXTRAS):
        asked.append((target.name, cpu_torch))
        if cpu_torch and not reachable:
            raise wheels.Unreachable("no answer")

    for reachable in (True, False):
        monkeypatch.setattr(wheels, "lock", partial(lock, reachable))
        wheels.lock_all(tmp_path, [LINUX, WINDOWS, Target("linux-arm", HERE)], tmp_path, said.append)
    assert asked == [("linux", True), ("windows", False), ("linux-arm", True),
                     ("linux", True), ("linux", False), ("windows", False), ("linux-arm", False)]  # fmt: skip
    assert len(said) == 1 and "out of reach" in said[0] and "CUDA" in said[0]


def test_what_is_not_a_kit_or_is_in_use_stays(whole, course, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder" / "mine").mkdir(parents=True)
    (whole / "course" / "work").mkdir()
    for place in (tmp_path / "file", tmp_path / "folder", whole):
        with pytest.raises(KitError, match="move it away, or choose another folder with KIT="):
            folder.build(place, course, [LINUX], lambda text: None)
        assert place.exists()


def test_a_checkout_gives_what_git_does_not_ignore_as_it_is(course, tmp_path):
    course = Path(shutil.copytree(course, tmp_path / "course"))
    (course / ".gitignore").write_text("work/\n.venv/\nbackend.py\nftlib/\n")
    (course / "lessons" / "21_mine.ipynb").write_text("{}")
    for line in (["init", "-q"], ["add", "pyproject.toml", "constraints.txt", "lessons/03_x.ipynb"]):
        subprocess.run(["git", "-C", str(course), *line], check=True)
    (course / "lessons" / "03_x.ipynb").write_text('{"changed": 1}')
    (course / "constraints.txt").unlink()
    folder.copy_course(course, tmp_path / "copy")
    assert files(tmp_path / "copy") == {
        ".gitignore", "pyproject.toml", "lessons/03_x.ipynb", "lessons/21_mine.ipynb"
    }  # fmt: skip
    assert "changed" in (tmp_path / "copy" / "lessons" / "03_x.ipynb").read_text()


# --- starting it


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda kit: (kit / "start.sh").write_text("x"), "start.sh is damaged"),
        (lambda kit: (kit / "wheels" / "tiny-1.0-py3-none-any.whl").unlink(), "tiny-1.0-py3-none-any.whl is missing"),
        (lambda kit: (kit / "SHA256SUMS").unlink(), "SHA256SUMS is missing"),
        (lambda kit: (kit / "SHA256SUMS").write_text(""), "SHA256SUMS is empty"),
    ],
)
def test_a_damaged_kit_names_what_is_wrong_and_does_not_start(harm, said, whole):
    harm(whole)
    done = subprocess.run([sys.executable, "start.py", "--install"], cwd=whole, capture_output=True, text=True)
    assert done.returncode == 1 and not (whole / "course" / ".venv").exists()
    assert "This kit is not whole:" in done.stderr and said in done.stderr and "Copy it again" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the launcher of Linux and macOS")
def test_it_installs_from_its_wheels_alone(whole):
    """The launcher finds a Python, the environment is made, what pip is told to use elsewhere does not count."""
    wheel(whole / "wheels", "extra", "1.0")  # more than the sums name does no harm
    environment = os.environ | {"PIP_FIND_LINKS": "/nowhere", "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = ["sh", str(whole / "start.sh"), "--install"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    course = whole / "course"
    python = start.python_of(course / ".venv")
    told = subprocess.run([python, "-I", "-c", "import ftlib, speck; print(speck.platform, ftlib.__file__)"],
                          capture_output=True, text=True).stdout  # fmt: skip
    assert told.split() == ["linux", str(course / "ftlib" / "__init__.py")]
    assert start.stamp(course).exists() and start.ready(course)
    again = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert again.returncode == 0 and "Checking" not in again.stdout, "the second start installs nothing"
    whole.rename(whole.with_name("moved"))
    assert not start.ready(whole.with_name("moved") / "course"), "an environment does not survive a move"


def test_its_stamp_is_the_one_that_make_looks_for(course):
    text = (ROOT / "Makefile").read_text()
    assert "KEY := $(shell cat constraints.txt pyproject.toml |" in text and "cut -c1-16" in text
    both = (course / "constraints.txt").read_bytes() + (course / "pyproject.toml").read_bytes()
    assert start.stamp(course).name == f".ftlib-lab-{hashlib.sha256(both).hexdigest()[:16]}"


def test_an_environment_of_others_is_not_touched(whole):
    venv = whole / "course" / ".venv"
    venv.mkdir()
    (venv / "mine").write_text("x")
    with pytest.raises(SystemExit, match="was not made by the course"):
        start.install(whole)
    assert (venv / "mine").exists()


def test_it_knows_what_it_was_made_for(whole, monkeypatch):
    assert str(WINDOWS) in start._why_not(whole) and f"Python {HERE}" in start._why_not(whole)
    monkeypatch.setattr(start, "__file__", str(whole / "start.py"))
    assert start.main(["--suits"]) == 0
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert start.main(["--suits"]) == 1


def test_start_opens_the_copies_as_make_lab_does(tmp_path, monkeypatch):
    calls = []

    def run(command, **options):
        calls.append((command, options["cwd"]))
        return subprocess.CompletedProcess(command, int("doctor" in command))

    monkeypatch.setattr(start.subprocess, "run", run)
    assert start.run(tmp_path, Path("py")) == 0
    assert [call[0][2:4] for call in calls[:2]] == [["ftlib", "doctor"], ["ftlib", "workspace"]]
    lab = (ROOT / "Makefile").read_text()
    shared = [part for part in calls[2][0] if part.startswith(("--LabApp", "--ServerApp"))]
    assert len(shared) == 3 and all(part in lab for part in shared) and calls[2][1] == tmp_path / "course"


def test_the_launchers_parse():
    launcher = ROOT / "lessons/authoring/kit/start.sh"
    if os.name != "nt":
        subprocess.run(["sh", "-n", str(launcher)], check=True)
    for name in ("start.sh", "start.bat"):
        text = (ROOT / "lessons/authoring/kit" / name).read_text(encoding="ascii")
        assert "start.py --suits" in text and all(version in text for version in ("3.11", "3.12", "3.13"))


# --- the command


def test_the_command(monkeypatch, tmp_path, capsys, index, course):
    monkeypatch.setattr(book, "checkout", lambda: course)
    line = ["kit", "--folder", str(tmp_path / "kit"), "--platforms", "linux", "windows", "--pythons", HERE]
    assert authoring.main(line) == 0
    assert "GB. Its README.md says how to start it." in capsys.readouterr().out
    assert authoring.main(["kit", "--platforms", "amiga"]) == 1
    assert capsys.readouterr().err.startswith("'amiga' is no platform")
