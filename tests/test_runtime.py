from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ftlib import runtime

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Each test starts as a new process would: no profile chosen, no variable set."""
    for name in ("FTLIB_PROFILE", "FTLIB_DEVICE", "FTLIB_THREADS", "FTLIB_STRICT", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(runtime, "_profile", None)
    monkeypatch.setattr(runtime, "_offline_set_here", False)


def python(code: str, **variables: str) -> str:
    hidden = ("FTLIB_PROFILE", "HF_HUB_OFFLINE")
    environment = {key: value for key, value in os.environ.items() if key not in hidden} | variables
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.strip()


def test_profile_is_small_unless_told_otherwise(monkeypatch):
    assert runtime.profile() == "small"
    runtime.set_profile("full")
    assert runtime.profile() == "full"
    monkeypatch.setattr(runtime, "_profile", None)
    monkeypatch.setenv("FTLIB_PROFILE", "full")
    assert runtime.profile() == "full"


def test_profile_is_read_once(monkeypatch):
    assert runtime.profile() == "small"
    monkeypatch.setenv("FTLIB_PROFILE", "full")
    assert runtime.profile() == "small"


def test_a_wrong_profile_is_named_and_changes_nothing(monkeypatch):
    with pytest.raises(ValueError, match=r"the profile is 'big'.*'small', 'full'"):
        runtime.set_profile("big")
    assert runtime.profile() == "small"
    monkeypatch.setattr(runtime, "_profile", None)
    monkeypatch.setenv("FTLIB_PROFILE", "huge")
    with pytest.raises(ValueError, match="FTLIB_PROFILE is 'huge'"):
        runtime.profile()


REPORT = "import os, sys; print(os.environ.get('HF_HUB_OFFLINE'), 'torch' in sys.modules)"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "1 False"),
        ({"FTLIB_PROFILE": "full"}, "None False"),
        ({"HF_HUB_OFFLINE": "0"}, "0 False"),
    ],
)
def test_import_keeps_the_small_profile_offline_and_torch_out(variables, expected):
    assert python(f"import ftlib.runtime; {REPORT}", **variables) == expected


def test_full_profile_takes_back_only_its_own_offline_switch():
    code = f"from ftlib import runtime; runtime.set_profile('full'); {REPORT}"
    assert python(code) == "None False"
    assert python(code, HF_HUB_OFFLINE="1") == "1 False"


def test_full_profile_warns_when_the_hub_client_is_already_offline():
    code = (
        "import warnings; from ftlib import runtime; import huggingface_hub.constants\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always'); runtime.set_profile('full')\n"
        "print(seen[0].message)"
    )
    assert "restart Python" in python(code)


def test_device_is_cpu_in_the_small_profile_even_with_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert runtime.device() == torch.device("cpu")
    runtime.set_profile("full")
    assert runtime.device() == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert runtime.device() == torch.device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert runtime.device() == torch.device("cpu")


def test_device_follows_the_variable(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("FTLIB_DEVICE", "cuda:1")
    assert runtime.device() == torch.device("cuda:1")
    monkeypatch.setenv("FTLIB_DEVICE", "cpu")
    runtime.set_profile("full")
    assert runtime.device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "meta", "cuda:2", "mps"])
def test_a_device_that_is_not_there_is_one_sentence(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("FTLIB_DEVICE", name)
    with pytest.raises(ValueError, match=f"FTLIB_DEVICE is '{name}'.*unset"):
        runtime.device()


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_seed_everything_repeats_all_three_generators():
    runtime.seed_everything(7)
    first = draw()
    runtime.seed_everything(np.int64(7))
    assert draw() == first
    runtime.seed_everything(8)
    assert all(new != old for new, old in zip(draw(), first, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "3", None])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match=r"seed is .*use an integer"):
        runtime.seed_everything(seed)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_set_threads_order_of_authority(monkeypatch, threads):
    assert runtime.set_threads() == threads
    assert runtime.set_threads(2) == torch.get_num_threads() == 2
    monkeypatch.setenv("FTLIB_THREADS", "1")
    assert runtime.set_threads(2) == torch.get_num_threads() == 1


def test_a_bad_number_of_threads_is_refused(monkeypatch, threads):
    for count in (0, -2, 1.5, "2"):
        with pytest.raises(ValueError, match="the number of threads is"):
            runtime.set_threads(count)
    for text in ("0", "many", "1.5"):
        monkeypatch.setenv("FTLIB_THREADS", text)
        with pytest.raises(ValueError, match=f"FTLIB_THREADS is '{text}'"):
            runtime.set_threads(3)
    assert torch.get_num_threads() == threads


def test_strict(monkeypatch):
    for strict, variables in [
        (False, {}), (True, {"CI": "true"}), (False, {"CI": "false"}), (True, {"FTLIB_STRICT": "1"}),
        (False, {"FTLIB_STRICT": "0", "CI": ""}), (True, {"FTLIB_STRICT": " True "}),
    ]:  # fmt: skip
        for name in ("CI", "FTLIB_STRICT"):
            monkeypatch.setenv(name, variables.get(name, ""))
        assert runtime.strict() is strict, variables


def test_versions_reports_what_is_installed(monkeypatch):
    found = runtime.versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert torch.__version__.startswith(found["torch"].split("+")[0])
    assert {"torchvision", "transformers", "accelerate", "numpy", "scikit-learn"} <= found.keys()
    monkeypatch.setattr(runtime, "_KEY_PACKAGES", ("numpy", "no-such-package"))
    assert runtime.versions().keys() == {"python", "numpy"}


MEMORY = """
import psutil, torch
from ftlib import runtime
assert runtime._glibc() is not None
def used(): return psutil.Process().memory_info().rss / 1e6
runtime.spare_memory()
large = [torch.ones(400_000) for _ in range(200)]  # 1.6 MB each
full = used()
del large[::2]
assert full - used() > 100, (full, used())
small = [torch.ones(100_000) for _ in range(400)]  # 0.4 MB each
last = torch.ones(100_000)  # what lies behind them holds them in place
del small
before = used()
runtime.trim_memory()
assert before - used() > 100, (before, used())
"""


@pytest.mark.skipif(runtime._glibc() is None, reason="only glibc keeps freed memory")
def test_freed_memory_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
