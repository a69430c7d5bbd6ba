from __future__ import annotations

import json

import pytest

from authoring.notebooks.claims_report import changed_claims, claims_main, claims_table, collect_claims
from ftlessons import claim, lesson
from ftlessons.classroom.claims import CLAIM_MIME, ClaimChanged, judge, load_claims, overall
from ftlessons.classroom.source import CourseDataError

CLAIMS = """
[C1]
statement = "a fine-tuned model beats training from scratch"
[[C1.test]]
lesson = "03"
quantity = "accuracy of head_then_all minus scratch"
threshold = 0.0
verdict = "supported"
[[C1.test]]
lesson = "06"
quantity = "accuracy of full minus scratch"
threshold = 0.1
verdict = "conditional"
[C2]
statement = "it needs less time"
"""


@pytest.fixture
def lesson03(data):
    data("claims.toml", CLAIMS)
    lesson("03")


def test_one_condition_is_judged_by_its_interval(interval):
    spans = [(0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1), (0.0, 0.1), (-0.1, 0.0)]
    found = [judge(interval(0, *span), 0.0) for span in spans]
    assert found == ["supported", "refuted", "undecided", "undecided", "undecided"]


def test_the_overall_verdict():
    for verdict in ("supported", "refuted", "undecided"):
        assert overall([verdict, verdict]) == verdict
    assert overall(["supported", "refuted"]) == overall(["supported", "undecided"]) == "conditional"
    assert overall(["refuted", "undecided"]) == "refuted"


def test_a_claim_shows_one_line_and_its_json(lesson03, shown, interval):
    conditions = {"1 per class": interval(0.41, 0.38, 0.44), "10 per class": interval(0.05, 0.03, 0.07)}
    assert claim("C1", conditions) is None
    (bundle,) = shown
    assert bundle["text/plain"] == (
        "C1 supported: a fine-tuned model beats training from scratch"
        " | 1 per class: +0.41 [0.38, 0.44] | 10 per class: +0.05 [0.03, 0.07]"
    )
    record = bundle[CLAIM_MIME]
    assert json.loads(json.dumps(record)) == record
    assert (record["id"], record["lesson"], record["verdict"]) == ("C1", "03", "supported")
    assert record["quantity"] == "accuracy of head_then_all minus scratch" and record["threshold"] == 0.0
    assert (record["value"], record["interval"]) == (0.05, [0.03, 0.07])
    assert record["conditions"][0] == {
        "condition": "1 per class", "value": 0.41, "interval": [0.38, 0.44], "verdict": "supported",
    }  # fmt: skip


def test_a_single_interval_and_its_own_text(lesson03, shown, interval):
    claim("C1", interval(0.2, 0.1, 0.3), text="the head wins")
    assert shown[0]["text/plain"] == "C1 supported: the head wins | +0.2 [0.1, 0.3]"


def test_a_changed_verdict_asks_a_learner_why(lesson03, shown, interval):
    claim("C1", interval(0.0, -0.1, 0.1))
    first, second = shown[0]["text/plain"].splitlines()
    assert first.startswith("C1 undecided:")
    assert second == "Not in this run: recorded was supported. Why might that be?"


def test_a_changed_verdict_raises_in_strict_mode_after_showing_it(lesson03, shown, interval, strict):
    claim("C1", interval(0.2, 0.1, 0.3))
    with pytest.raises(
        ClaimChanged, match="C1 in lesson 03 is recorded as supported; this run says: C1 refuted"
    ):
        claim("C1", interval(-0.2, -0.3, -0.1))
    assert [bundle[CLAIM_MIME]["verdict"] for bundle in shown] == ["supported", "refuted"]


def test_bad_calls_are_named(lesson03, interval):
    with pytest.raises(CourseDataError, match="no test of C2 for lesson 03"):
        claim("C2", interval(1, 1, 1))
    with pytest.raises(CourseDataError, match=r"condition 'x': expected an interval .* got 0.3"):
        claim("C1", {"x": 0.3})
    with pytest.raises(CourseDataError, match="NaN"):
        claim("C1", interval(float("nan"), 0, 1))
    with pytest.raises(CourseDataError, match="is no interval"):
        claim("C1", interval(0.5, 1, 0))
    with pytest.raises(CourseDataError, match="no condition"):
        claim("C1", {})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('verdict = "supported"', 'verdict = "proved"', "C1, lesson 03: verdict 'proved' is not one of"),
        ("threshold = 0.0", "threshold = nan", "C1, lesson 03: `threshold` must be a number"),
        ("threshold = 0.0", "treshold = 0.0", "treshold"),
        ('lesson = "06"', 'lesson = "03"', "C1: lesson 03 has two tests"),
    ],
)
def test_a_broken_claims_file_is_named(data, old, new, message):
    assert old in CLAIMS
    data("claims.toml", CLAIMS.replace(old, new))
    with pytest.raises(CourseDataError, match=message):
        load_claims()


@pytest.fixture
def notebooks(lesson03, shown, interval, tmp_path):
    """Lessons 03 (as recorded) and 06 (changed) as executed notebooks."""
    claim("C1", interval(0.2, 0.1, 0.3))
    lesson("06")
    claim("C1", interval(0.0, -0.1, 0.05))
    folder = tmp_path / "lessons"
    folder.mkdir()
    for name, bundle in zip(("03_a.ipynb", "06_b.ipynb"), shown, strict=True):
        output = {"output_type": "display_data", "data": bundle, "metadata": {}}
        stream = {"output_type": "stream", "name": "stdout", "text": "hello"}
        cells = [{"cell_type": "markdown", "source": "x"}, {"cell_type": "code", "outputs": [stream, output]}]
        (folder / name).write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return folder


def test_claims_are_collected_from_executed_notebooks(notebooks):
    records = collect_claims(notebooks)
    assert [(r["notebook"], r["lesson"], r["verdict"]) for r in records] == [
        ("03_a.ipynb", "03", "supported"),
        ("06_b.ipynb", "06", "refuted"),
    ]
    assert changed_claims(records) == ["C1 in 06_b.ipynb: verdict refuted, on record conditional."]
    assert changed_claims(records[:1]) == []


def test_the_table_has_a_row_for_each_test_measured_or_not(notebooks, data):
    records = collect_claims(notebooks)
    header, first, second = claims_table(records[:1]).splitlines()
    assert header.split() == ["claim", "lesson", "verdict", "recorded", "value", "interval", "statement"]
    assert first.startswith("C1     03      supported  supported") and "+0.2" in first
    assert "06" in second and "not run" in second
    data("claims.toml", '[C9]\nstatement = "x"\n')  # a claim without a test is still in the table
    assert len(claims_table(records).splitlines()) == 3
    assert changed_claims(records)[0].endswith("verdict supported, on record not there.")


def test_the_command(notebooks, capsys):
    assert claims_main(["--lessons", str(notebooks), "--json"]) == 1
    out, err = capsys.readouterr()
    assert [r["id"] for r in json.loads(out)] == ["C1", "C1"] and "06_b.ipynb" in err
    (notebooks / "06_b.ipynb").unlink()
    assert claims_main(["--lessons", str(notebooks)]) == 0
    assert "statement" in capsys.readouterr().out


def test_what_is_no_notebook_is_named(notebooks, capsys):
    for content in ("{", "[]", '{"cells": 3}', '{"cells": ["x"]}'):
        (notebooks / "07_c.ipynb").write_text(content)
        assert claims_main(["--lessons", str(notebooks)]) == 2
        assert "07_c.ipynb is not a notebook" in capsys.readouterr().err
    with pytest.raises(CourseDataError, match="is not a folder"):
        collect_claims(notebooks / "none")
