"""The command line: what it offers, what it refuses, and what it hands on."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from ftlib import cli, results


def refused(argv: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(argv)
    return stop.value.code


def test_help_names_every_command(capsys):
    assert refused(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown and text in shown for name, text in cli.COMMANDS.items())


@pytest.mark.parametrize("argv", [["bake"], [], [""]])
def test_an_unknown_command_is_refused(argv, capsys):
    assert refused(argv) == 2
    shown = capsys.readouterr()
    assert "COMMAND" in shown.err and not shown.out


@pytest.mark.parametrize("command", ["results", "tune"])
def test_an_unknown_domain_is_refused(command, capsys, monkeypatch):
    monkeypatch.setattr(results, "record", pytest.fail)
    monkeypatch.setattr(results, "tune", pytest.fail)
    assert refused([command, "cooking"]) == 2
    assert "'cooking'" in capsys.readouterr().err
    assert refused([command]) == 2
    assert refused([command, "--help"]) == 0


@pytest.mark.parametrize(
    "argv",
    [
        ["results", "vision", "--seeds", "many"],
        ["tune", "vision", "--seeds", "3"],
        ["tune", "vision", "--worker"],
    ],
)
def test_options_that_a_command_does_not_have_are_refused(argv, monkeypatch):
    monkeypatch.setattr(results, "record", pytest.fail)
    monkeypatch.setattr(results, "tune", pytest.fail)
    assert refused(argv) == 2


def test_results_records_the_grid_and_prints_its_summary(monkeypatch, capsys):
    called = []
    common = {"task": "digits", "recipe": "head", "budget": 1}
    rows = [common | {"seed": seed, "score": 0.8 + seed / 10} for seed in (0, 1)]

    def record(*args):
        called.append(args)
        return pd.DataFrame(rows)

    monkeypatch.setattr(results, "record", record)
    assert cli.main(["results", "vision", "--seeds", "2", "--workers", "3"]) == 0
    assert called == [("vision", 2, 3)]
    assert "head" in capsys.readouterr().out
    cli.main(["results", "vision"])
    assert called[1][1] >= 10


def test_tune_prints_what_it_chose(monkeypatch, capsys):
    chosen = {
        "digits": {"settings": {"head": {"lr": 0.01, "steps": 100}}, "pool": {"tune": 256, "tune_valid": 260}}
    }
    monkeypatch.setattr(results, "tune", lambda *args: chosen)
    assert cli.main(["tune", "vision"]) == 0
    shown = capsys.readouterr().out
    assert "digits: tuned on {'tune': 256, 'tune_valid': 260}" in shown and "'lr': 0.01" in shown


@pytest.mark.parametrize(
    ("command", "module", "function"),
    [("claims", "authoring.notebooks.claims_report", "claims_main"), ("lessons", "authoring.notebooks", "main")],
)
def test_other_commands_get_the_rest_and_give_their_status(command, module, function, monkeypatch):
    got = []
    monkeypatch.setattr(f"{module}.{function}", lambda argv: got.append(argv) or 3)
    assert cli.main([command, "--json", "x"]) == 3
    monkeypatch.setattr(f"{module}.{function}", lambda argv: None)
    assert cli.main([command]) == 0
    assert got == [["--json", "x"]]


def test_python_dash_m_ftlib():
    done = subprocess.run([sys.executable, "-m", "ftlib", "bake"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 2 and "python -m ftlib" in done.stderr
