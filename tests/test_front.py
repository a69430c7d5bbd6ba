"""The README as the front door: what is made from the records is up to date, and it reads in three minutes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from authoring.notebooks import book, front, front_picture
from authoring.notebooks.front import PARTS, claims_by_lesson, claims_table, marks, part, renew_readme
from ftlessons.classroom.claims import load_claims
from ftlib.plots import palette

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = ROOT / "lessons"
WORDS_A_MINUTE, MINUTES = 220, 3


@pytest.mark.parametrize("name", PARTS)
def test_what_is_made_from_the_records_is_up_to_date(name):
    before, after = marks(name)
    shown = README.partition(before)[2].partition(after)[0].strip()
    assert shown == part(name, book.repository(ROOT)), "renew it: python -m authoring lessons --headers"


def test_renewing_replaces_only_what_is_between_the_marks(tmp_path):
    readme, between = tmp_path / "README.md", "\n".join("{}\nOUTDATED\n{}\nkept".format(*marks(name)) for name in PARTS)
    readme.write_text(f"before\n{between}\nafter\n", encoding="utf-8")
    assert renew_readme(readme)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("kept\nafter\n") and text.count("kept") == len(PARTS)
    assert "OUTDATED" not in text and "| lesson |" in text and "<picture>" in text
    assert not renew_readme(readme)


def test_a_readme_without_marks_is_left_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("nothing here", encoding="utf-8")
    with pytest.raises(book.LessonError, match="no place for the launch"):
        renew_readme(readme)
    assert readme.read_text(encoding="utf-8") == "nothing here"


def test_claims_are_told_with_the_verdicts_on_record():
    built, tests = ["03", "04"], load_claims()
    rows = front.verdicts(built)
    assert rows == [(id, lesson, tests[id, lesson].verdict) for id, lesson, _ in rows]
    assert {(id, lesson) for id, lesson, _ in rows} == {key for key in tests if key[1] in built}
    table = claims_table(built)
    assert f"| C1 | {tests['C1', '03'].statement} | 03 {tests['C1', '03'].verdict} |" in table
    assert f"put to {len(rows)} tests" in table and "C13" not in table, "lesson 01 is not among them"
    assert f"{tests['C9', '04'].verdict}: C9" in claims_by_lesson(["04"])["04"]
    assert claims_by_lesson(["00"]) == {}


@pytest.mark.parametrize("name", front_picture.NAMES.values())
def test_the_picture_shows_the_record_and_is_small(name):
    path = LESSONS / name
    assert front_picture.stamp(path) == front_picture.fingerprint(), "renew it: python -m authoring lessons --headers"
    assert path.stat().st_size <= 150_000
    with Image.open(path) as picture:
        assert picture.size[0] >= 1200, "sharp on a good screen"


def test_the_picture_is_drawn_once_and_again_when_the_record_changes(tmp_path, monkeypatch):
    assert front_picture.renew(tmp_path) and not front_picture.renew(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == sorted(front_picture.NAMES.values())
    monkeypatch.setattr(front_picture, "fingerprint", lambda: "another")
    assert front_picture.renew(tmp_path) and front_picture.stamp(tmp_path / "front-dark.png") == "another"
    assert front_picture.stamp(tmp_path / "none.png") == ""


def test_the_pictures_words_say_what_the_record_says():
    from ftlib import results

    digits = results.load("vision", "digits")
    score = digits[(digits.recipe == "head_then_all") & (digits.budget == 1)].score.mean()
    assert f"from 1 to 50 labels per class: fine-tuned {score:.2f} to" in front_picture.alt()
    assert '"' not in front_picture.alt() and f'alt="{front_picture.alt()}"' in front_picture.markup()


@pytest.mark.parametrize("theme", front_picture.THEMES.values(), ids=front_picture.THEMES)
def test_the_picture_can_be_seen_in_both_themes(theme):
    for line in theme.lines:
        assert palette.contrast(line, theme.page) >= palette.LEAST_FOR_LINES
    assert palette.contrast(theme.text, theme.page) >= palette.LEAST_FOR_TEXT
    assert not list(palette.hard_to_see(front_picture.draw(theme)))


def test_it_reads_in_three_minutes():
    text = README
    for name in ("map", "claims", "picture"):
        before, after = marks(name)
        text = text.partition(before)[0] + text.partition(after)[2]
    text = re.sub(r"<details>.*?</details>|```.*?```|\]\([^)]*\)|^\|.*$", " ", text, flags=re.DOTALL | re.MULTILINE)
    assert len(text.split()) <= WORDS_A_MINUTE * MINUTES


def test_the_two_commands_come_first():
    opening = README.partition("make test")[0]
    assert "make lab" in opening and len(opening.split()) < 130 and opening.count("\n## ") == 1


def test_its_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = [README, *(path.read_text(encoding="utf-8") for path in LESSONS.glob("*.md"))]
    for target in sorted(set(re.findall(r"(?:`|^)make ([a-z-]+)", "\n".join(pages), flags=re.MULTILINE))):
        assert re.search(rf"^{target}[: ]", makefile, flags=re.MULTILINE), f"make {target} is not in the Makefile"
