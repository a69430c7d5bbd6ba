"""Lesson 18: the scripts, the bench, the board, the curves, and what readers said of them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from ftlessons.lesson18 import board, curves, hits, lab, runs
from ftlessons.lesson18.cases import CASES, CAUSES, HEADER, VARIANTS, case
from ftlessons.lesson18.menu import TESTS, Evidence
from ftlessons.lesson18.menu import Test as MenuTest
from ftlessons.lesson18.studies.broken_runs import RIGHT, jobs
from ftlib.history import History
from ftlib.tasks import tokens

QUICK = "model, task, train, test, score = 1, 2, [3], [4], 0.5\n"


@pytest.mark.parametrize("each", [*CASES, *VARIANTS], ids=lambda each: each.name)
def test_a_script_and_its_broken_twin_differ_in_one_place(each):
    sound, broken = each.text(False), each.text(True)
    assert sound != broken and HEADER.count("\n") == 1
    for text in (sound, broken):
        compile(HEADER + text, each.name, "exec")
    changed = [pair for pair in zip(sound.splitlines(), broken.splitlines(), strict=False) if pair[0] != pair[1]]
    assert 1 <= len(changed) <= 2 or len(sound.splitlines()) != len(broken.splitlines())


def test_every_cause_has_a_case_a_variant_in_another_domain_a_finding_and_a_line_on_the_board():
    for group in (CASES, VARIANTS):
        assert sorted(each.cause for each in group) == sorted(CAUSES)
    domain = {each.cause: each.domain for each in CASES}
    assert all(each.domain != domain[each.cause] for each in VARIANTS)
    assert set(RIGHT) == set(CAUSES) <= {row.cause for row in board.ROWS}
    assert {row.test for row in board.ROWS if row.cause in CAUSES} <= set(TESTS)
    assert len(jobs()) == 40


def test_a_script_that_stops_says_where_in_the_lines_that_a_reader_sees():
    with pytest.raises(ValueError, match="stops in line 2: NameError"):
        runs.run(HEADER + "a = 1\nnothing_like_it\n")
    with pytest.raises(ValueError, match="stops in line 1: SyntaxError"):
        runs.run(HEADER + "a = = 1\n")
    with pytest.raises(ValueError, match="leaves no 'model' behind"):
        runs.run(HEADER + "a = 1\n")
    with pytest.raises(ValueError, match="no longer a finite number"):
        runs.run(HEADER + QUICK + "log(torch.tensor(float('nan')))\n")
    assert runs.run(HEADER + QUICK).score == 0.5


def test_mending_keeps_the_indent_and_takes_several_lines():
    text = lab.mend("sluggish", 9, "loss.backward()\nprint(1)").splitlines()
    assert text[8:10] == ["    loss.backward()", "    print(1)"]
    with pytest.raises(ValueError, match="has lines 1 to 13"):
        lab.mend("sluggish", 0, "x")
    with pytest.raises(ValueError, match="no case 'x'"):
        case("x")


@pytest.fixture
def bench(monkeypatch):
    task = SimpleNamespace(n_outputs=10)
    run = SimpleNamespace(score=0.5, history=History(loss=[2.0, 1.0, 0.5]), task=task)
    monkeypatch.setattr(lab, "broken", lambda name: run)
    seen = {key: MenuTest(test.title, test.seconds, lambda run, rerun: Evidence("It sees this."))
            for key, test in TESTS.items()}  # fmt: skip
    monkeypatch.setattr(lab, "TESTS", seen)
    return lab.Bench("shuffled")


def test_the_purse(bench, capsys):
    bench.buy("neighbours")
    bench.buy("neighbours")
    assert "It sees this." in capsys.readouterr().out
    assert bench.left == lab.PURSE - TESTS["neighbours"].seconds and bench.bought == ["neighbours"]
    with pytest.raises(ValueError, match="'examples' takes 120 seconds, and 60 are left"):
        bench.buy("examples")
    with pytest.raises(ValueError, match="no test 'x': choose from again"):
        bench.buy("x")


def test_the_script_shows_when_a_cause_is_named(bench, capsys):
    with pytest.raises(ValueError, match="no cause 'x' on the board"):
        bench.script("x")
    bench.script("mode")
    assert "14 order = sorted(names)" in capsys.readouterr().out and bench.named == "mode"


def test_the_buttons_do_what_buy_does(bench):
    pytest.importorskip("ipywidgets")
    box = lab.widget(bench, "<p>story</p>")
    buttons, purse, seen = box.children[1].children, box.children[2], box.children[3]
    buttons[list(TESTS).index("neighbours")].click()
    assert "60 seconds are left" in purse.value and "It sees this." in seen.value
    assert [button.disabled for button in buttons] == [TESTS[key].seconds > 60 or key == "neighbours" for key in TESTS]


def test_the_menu_splits_the_purse():
    prices = [test.seconds for test in TESTS.values()]
    assert max(prices) <= lab.PURSE < sum(prices) / 2


def test_curves_come_without_names(tmp_path):
    folder = curves.curves_only(tmp_path)
    table = pd.read_csv(folder / "loss.csv")
    assert list(table.columns) == ["id", "step", "loss", "guessing"]
    assert table.id.nunique() == len(list(folder.glob("run*.png"))) == 40
    text = (folder / "loss.csv").read_text()
    assert not [each.name for each in (*CASES, *VARIANTS) if each.name in text]


def test_readers_are_judged_by_the_truth(tmp_path, monkeypatch):
    truth = curves.anonymous()
    answers = {id: {"broken": True, "cause": "unknown"} for id in truth.index}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "curve_readers.json").write_text(json.dumps({"readers": {"one": answers}}))
    monkeypatch.setattr(curves.catalog, "data_dir", lambda: tmp_path)
    said = curves.judged()
    assert len(said) == 40 and said.right.mean() == 0.5
    assert curves.told(said).value == 0.5


def test_hits_are_counted():
    table = pd.DataFrame({
        "broken": [True, True, False, False], "variant": [False, True, False, True], "hit": [True, False, False, False],
        "found": [["a"], [], [], ["b"]], "cause": ["labels"] * 4, "domain": ["vision", "speech"] * 2,
    })  # fmt: skip
    assert hits.counts(table) == {"cases": (1, 1), "variants": (0, 1), "sound": (1, 2)}
    assert "**0** of 1" in hits.sentence(table)


def test_the_cell_for_the_full_profile_names_the_head():
    from ftlessons.lesson18.public import break_and_look
    from ftlib import tasks

    tokens.tokenizer()
    report = break_and_look(tasks.get("reviews"), labels=16, steps=2, tested=20)
    assert "parameters that nobody trains" in [finding.what for finding in report.findings]


def test_looking_leaves_the_run_as_it_was():
    run = case("moody").run(0)
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    modes = [part.training for part in run.model.modules()]
    first = TESTS["classes"].look(run, None).picture.alt
    assert "training mode" in TESTS["again"].look(run, None).text
    assert TESTS["classes"].look(run, None).picture.alt == first
    assert modes == [part.training for part in run.model.modules()]
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.model.state_dict().items())
