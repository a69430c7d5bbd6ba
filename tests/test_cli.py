"""The command line: what it offers, what it refuses, and what it hands on."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from authoring import __main__ as authoring
from authoring import record
from ftlib import cli

BOTH = pytest.mark.parametrize("line", [cli, authoring], ids=["ftlib", "authoring"])


def refused(argv: list[str], line=authoring) -> int:
    with pytest.raises(SystemExit) as stop:
        line.main(argv)
    return stop.value.code


@BOTH
def test_help_names_every_command(line, capsys):
    assert refused(["--help"], line) == 0
    shown = capsys.readouterr().out
    texts = [text if isinstance(text, str) else text[0] for text in line.COMMANDS.values()]
    assert all(name in shown for name in line.COMMANDS) and all(text in shown for text in texts)


@BOTH
@pytest.mark.parametrize("argv", [["bake"], [], [""]])
def test_an_unknown_command_is_refused(line, argv, capsys):
    assert refused(argv, line) == 2
    shown = capsys.readouterr()
    assert "COMMAND" in shown.err and not shown.out


@pytest.mark.parametrize(
    "argv",
    [["results", "cooking"], ["tune", "cooking"], ["results"], ["tune"], ["results", "vision", "--seeds", "many"],
     ["tune", "vision", "--seeds", "3"], ["tune", "vision", "--worker"]],
    ids=" ".join,
)  # fmt: skip
def test_domains_and_options_that_a_command_does_not_have_are_refused(argv, monkeypatch):
    monkeypatch.setattr(record, "record_grid", pytest.fail)
    monkeypatch.setattr(record, "tune", pytest.fail)
    assert refused(argv) == 2 and refused([argv[0], "--help"]) == 0


def test_results_records_the_grid_and_prints_its_summary(monkeypatch, capsys):
    called = []
    common = {"task": "digits", "recipe": "head", "budget": 1}
    rows = [common | {"seed": seed, "score": 0.8 + seed / 10} for seed in (0, 1)]

    def grid(*args):
        called.append(args)
        return pd.DataFrame(rows)

    monkeypatch.setattr(record, "record_grid", grid)
    assert authoring.main(["results", "vision", "--seeds", "2", "--workers", "3"]) == 0
    assert called == [("vision", 2, 3)]
    assert "head" in capsys.readouterr().out
    authoring.main(["results", "vision"])
    assert called[1][1] >= 10


def test_tune_prints_what_it_chose(monkeypatch, capsys):
    chosen = {
        "digits": {"settings": {"head": {"lr": 0.01, "steps": 100}}, "pool": {"tune": 256, "tune_valid": 260}}
    }
    monkeypatch.setattr(record, "tune", lambda *args: chosen)
    assert authoring.main(["tune", "vision"]) == 0
    shown = capsys.readouterr().out
    assert "digits: tuned on {'tune': 256, 'tune_valid': 260}" in shown and "'lr': 0.01" in shown


@pytest.mark.parametrize("command", ["claims", "lessons", "teach", "reading", "kit"])
def test_other_commands_get_the_rest_and_give_their_status(command, monkeypatch):
    module, _, function = authoring.COMMANDS[command][1].partition(":")
    got = []
    monkeypatch.setattr(f"{module}.{function}", lambda argv: got.append(argv) or 3)
    assert authoring.main([command, "--json", "x"]) == 3
    monkeypatch.setattr(f"{module}.{function}", lambda argv: None)
    assert authoring.main([command]) == 0
    assert got == [["--json", "x"]]


def test_what_builds_the_course_says_where_it_went(capsys):
    assert set(cli.ELSEWHERE) == set(authoring.COMMANDS)
    assert refused(["lessons", "--only", "03"], cli) == 2
    assert "lessons is python -m authoring lessons now" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["ftlib", "authoring"])
def test_python_dash_m(package):
    done = subprocess.run([sys.executable, "-m", package, "bake"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 2 and f"python -m {package}" in done.stderr
