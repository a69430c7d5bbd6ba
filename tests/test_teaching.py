"""The teacher's kit: sections and their minutes, guides, plans, tickets, slides and the two editions."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_reading import remote

from authoring.__main__ import main
from authoring.notebooks import book, rules
from authoring.notebooks.book import Lesson, LessonError, tags
from authoring.teach import command, facts, plans, slides
from authoring.teach.editions import (
    CATCH_UP,
    NEEDED,
    answers,
    code_of,
    edition_faults,
    instructor,
    solution_lines,
    student,
)  # fmt: skip
from authoring.teach.guide import guide
from authoring.teach.pages import table, write_page
from authoring.teach.sections import core_minutes, headed, pictures, planned_minutes, sections, whole_shares
from ftlessons.classroom.catching import FILE, catch_up, pack, unpack
from ftlessons.classroom.checks import get_exercise
from ftlessons.classroom.source import CourseDataError, load_toml

ROOT = Path(__file__).resolve().parent.parent
LESSONS = {x.id: x for x in book.find(ROOT / "lessons") if "seconds" in x.about}
each_lesson = pytest.mark.parametrize("lesson", [pytest.param(x, id=id) for id, x in LESSONS.items()])
ABOUT = {
    "id": "00", "title": "T", "question": "Q?", "objectives": ["a", "b", "c"], "requires": [], "minutes": 20,
    "next": None, "seconds": 1.0, "peak_mb": 100,
}  # fmt: skip


def small(*cells: NotebookNode, **about: object) -> Lesson:
    """A lesson of these cells."""
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"
        cell.metadata.setdefault("tags", ["core"])
    return Lesson(Path("00_small.ipynb"), new_notebook(cells=list(cells), metadata={"ftlib": {**ABOUT, **about}}))


def code(source: str, *tag: str, show: str | None = None) -> NotebookNode:
    outputs = [NotebookNode(output_type="display_data", data={"text/plain": show}, metadata={})] if show else []
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tag or ("core",))})


# sections and minutes


@each_lesson
def test_the_core_takes_the_lessons_minutes_and_nothing_is_lost(lesson):
    parts = sections(lesson)
    core = [part for part in parts if part.core]
    assert sum(part.minutes for part in core) == lesson.about["minutes"]
    assert all(part.minutes >= 1 and min(part.teaching, part.exercise) >= 0 for part in core)
    kept = [cell["id"] for part in parts for cell in [*part.cells, *part.solutions]]
    assert sorted(kept) == sorted(cell["id"] for cell in lesson.code_cells)
    assert sum(part.exercise for part in core) > 0 < sum(part.teaching for part in core)


@each_lesson
def test_the_header_says_the_minutes_that_the_formula_gives(lesson):
    assert lesson.about["minutes"] == planned_minutes(lesson), "`python -m authoring lessons --headers` renews it"


@pytest.mark.parametrize("name", plans.plan_names())
def test_a_plan_gives_a_core_the_minutes_of_its_header(name):
    rows = re.findall(r"\| (\d+) \| \*\*[^|]*\*\* \| Lesson (\d\d)\.", plans.plan(name, LESSONS))
    parts = [block for session in load_toml(plans.FILE)[name].get("session", ()) for block in session["block"]]
    own = {block["lesson"] for block in parts if "lesson" in block and block.get("part") != "core"}
    wrong = [(id, minutes) for minutes, id in rows if id not in own and int(minutes) != LESSONS[id].about["minutes"]]
    assert not wrong and (rows or own)


def test_a_core_takes_what_is_read_in_it_or_what_its_author_says():
    words = new_markdown_cell("## A\n" + "word " * 160 * 15)
    aside = new_markdown_cell("## B\n" + "word " * 5000, metadata={"tags": ["extra"]})
    for lesson, minutes in ((small(words, aside), 15), (small(words, section_minutes={"A": [10, 9]}), 19)):
        assert core_minutes(lesson) == pytest.approx(minutes + 1 / 60)  # and it computes for a second


def test_the_guide_says_how_much_of_the_lesson_is_time_to_think():
    cells = [new_markdown_cell("## A\n" + "word " * 160 * 12), code("1 + 1")]
    assert "makes 12 for this core; the other 8 are time to think" in guide(small(*cells))
    assert "That makes 20 for this core." in guide(small(new_markdown_cell("## A\n" + "word " * 160 * 20), code("1")))


def test_kinds_follow_from_headings_and_calls():
    parts = {part.heading: part for part in sections(LESSONS["03"])}
    kinds = {heading: part.kind for heading, part in parts.items()}
    assert kinds["Opening"] == "opening" and kinds["Step 4: train the head"] == "teach" and kinds["Quiz"] == "quiz"
    assert kinds["When I would not fine-tune this"] == kinds["Summary"] == kinds["Go bigger"] == "closing"
    assert kinds["Exercise 1: the five steps, by you"] == "exercise" and kinds["In your own words"] == "reflection"
    assert parts["How deep to freeze"].widgets == ["freeze_explorer"] and not parts["How deep to freeze"].core
    assert parts["The secret alphabet"].widgets == ["drawing_pad"]
    assert parts["Quiz"].questions == 6 and parts["Quiz"].teaching == 0
    assert parts["Is it worth it? The experiment"].count("predict") == 1
    assert not parts["What is forgotten"].core and parts["Exercise 1: the five steps, by you"].core


def test_headings_in_code_fences_are_no_headings():
    text = "intro\n## One\n```\n# not this\n```\n### nor this\n# Two\nend"
    assert [heading for heading, _ in headed(text)] == [None, "One", "Two"]


def test_an_author_may_set_the_minutes_of_a_section():
    cells = [new_markdown_cell("## A\nword"), new_markdown_cell("## B\nword")]
    first, second = sections(small(*cells, section_minutes={"A": [3, 9]}))
    assert (first.teaching, first.exercise, second.minutes) == (3, 9, 8)


@pytest.mark.parametrize(
    ("wrong", "message"), [({"Nowhere": [1, 1]}, "no heading 'Nowhere'"), ({"A": [10, 10]}, "leave 0 minutes")]
)
def test_impossible_minutes_are_refused(wrong, message):
    with pytest.raises(LessonError, match=message):
        sections(small(new_markdown_cell("## A\nword"), new_markdown_cell("## B\nword"), section_minutes=wrong))


@pytest.mark.parametrize("wanted", [[1.0], [0.1, 0.1, 9.8], [3.3, 3.3, 3.4], [20.0, 1.0]])
def test_shares_are_whole_and_add_up(wanted):
    shares = whole_shares(wanted, 10)
    assert sum(shares) == 10 and min(shares) >= 1 and all(isinstance(share, int) for share in shares)


# the guide


@each_lesson
def test_the_guide_holds_what_a_teacher_needs(lesson):
    text = guide(lesson)
    assert all(goal in text for goal in lesson.about["objectives"])
    assert all(part.heading in text for part in sections(lesson) if part.core)
    assert "estimates, not measurements" in text and f"| {lesson.about['minutes']} | **end of the core**" in text
    for question in facts.quiz_of(lesson):
        assert question.text in text and all(choice.why in text for choice in question.choices)
        assert question.exhibit() in text and "say the answer and not its letter" in text
    for id in rules.exercise_ids(lesson):
        assert all(hint in text for hint in get_exercise(id).hints)
    assert len(facts.predictions(lesson, sections(lesson))) == len(rules.prediction_ids(lesson))


def test_the_guide_says_where_the_surprise_is_and_what_to_say():
    text = guide(LESSONS["03"])
    assert "It comes in *Is it worth it? The experiment*" in text and "nearly all of the work" in text
    assert "Believes: Frozen layers are switched off." in text
    assert "**Say or do:** Ask what the head would get to see if the frozen layers did nothing." in text
    assert "With how many labels of each digit does `scratch` read" in text and "The answer comes in [" in text
    assert 'check("03-first-stage", ("layer4", "b"))' in text and "goes on with the answers" not in text
    assert "goes on with the answers to 20-clean and 20-train" in guide(LESSONS["20"])


def test_a_written_surprise_comes_before_a_found_one():
    text = "## A\nThat is the surprise of this lesson: x.\n\nMore."
    lesson = small(new_markdown_cell(text), surprise="Told by hand.")
    assert facts.surprise(lesson, sections(lesson)) == ("A", "Told by hand.")
    del lesson.about["surprise"]
    assert facts.surprise(lesson, sections(lesson)) == ("A", "That is the surprise of this lesson: x.")


def test_a_guess_is_followed_to_its_answer():
    asked = "Guess before you run the next cell: How many? (from 0 to 9)"
    lesson = small(
        code('guess = predict("00-x", q, low=0, high=9)', show=asked),
        code("other = 1"),
        code("guess.against(4)", show="[figure]"),
    )
    [found] = facts.predictions(lesson, sections(lesson))
    assert (found.question, found.span, found.asked, found.answered) == ("How many?", "(From 0 to 9)", 1, 3)


def test_what_a_check_complains_about_is_read_without_running_it():
    said = facts.complaints(get_exercise("03-first-stage"))
    assert "___ is far from the output: what it finds serves digits as well as letters" in said


def test_pages_print_without_a_network(tmp_path):
    write_page(tmp_path / "new" / "a.md", "# A & B\n\n" + table(["x"], [("1|2",)]))
    html = (tmp_path / "new" / "a.html").read_text(encoding="utf-8")
    assert "<title>A &amp; B</title>" in html and "<table>" in html and "1|2" in html and "@media print" in html
    assert not remote(html) and sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.html", "a.md"]


# plans and tickets


@pytest.mark.parametrize("name", plans.plan_names())
def test_a_plan_runs_to_the_minute(name):
    text = plans.plan(name, LESSONS)
    clock = None
    for time, minutes in re.findall(r"\| (\d\d:\d\d) \| (\d*) \| \*\*", text):
        now = int(time[:2]) * 60 + int(time[3:])
        assert clock in (None, now), f"{name}: a block begins at {time}"
        clock = now + int(minutes) if minutes else None
    assert clock is None and "still to come" not in text.split("Week 4")[0]
    if name == "taster":
        assert re.findall(r"\| \d\d:\d\d \| (\d+) \| \*\*", text) == ["10", "10", "45", "15", "10"]


def test_a_plan_copes_with_lessons_that_are_not_there():
    few = {id: LESSONS[id] for id in ("00", "03")}
    text = plans.plan("two_days", few)
    assert "Lesson 04 is still to come." in text and "None of these lessons is there yet." in text
    assert "Until then: project work" in plans.plan("semester", few)
    assert "**1. " in plans.ticket("semester", few)


@pytest.mark.parametrize("name", plans.plan_names())
def test_a_ticket_has_its_questions_and_the_key_on_another_page(name):
    front, _, key = plans.ticket(name, LESSONS).partition('<div class="new-page">')
    asked = re.findall(r"\*\*(\d+)\. ", front)
    assert len(asked) == len(set(asked)) == len(re.findall(r"\*\*\d+\. [A-Z]\*\*", key)) >= 3
    assert "Say or do" not in front and "Say or do" in key and "☐" in front


def test_a_ticket_prefers_known_beliefs_and_leaves_out_what_only_recalls():
    items = plans.ticket_items(["03"], LESSONS, 99)
    assert not any(item.question.recalls for item in items)
    beliefs = [sum(choice.misconception is not None for choice in item.question.choices) for item in items]
    assert beliefs == sorted(beliefs, reverse=True) and beliefs[0] > 0


@each_lesson
def test_each_lesson_has_a_ticket_of_its_own(lesson):
    front, _, key = plans.lesson_ticket(lesson).partition('<div class="new-page">')
    asked = re.findall(r"\*\*\d+\. (.+)\*\*", front)
    own = [question.text for question in facts.quiz_of(lesson) if not question.recalls]
    assert len(asked) == min(len(own), plans.LESSON_QUESTIONS) > 0 and set(asked) <= set(own)
    assert key.count(f"(lesson {lesson.id})") == len(asked)


def test_plans_hold_what_their_sheets_show():
    keys = {"minutes", "title", "lesson", "choose", "otherwise", "part", "headings", "note"}
    for name, content in load_toml(plans.FILE).items():
        assert all(content[key].strip() for key in ("title", "people", "gain")), name
        assert content.get("session") or content["weeks"]
        blocks = [block for session in content.get("session", ()) for block in session["block"]]
        assert all({"title"} <= set(block) <= keys for block in blocks), name
        assert all(("minutes" in block) != (block.get("part") == "core") for block in blocks), name


# slides


@each_lesson
def test_slides_need_no_network_and_tell_no_solution(lesson, tmp_path):
    notebook = slides.slide_notebook(lesson)
    told = {line.strip() for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines()}
    assert not told & solution_lines(lesson)
    html = slides.write_slides(lesson, tmp_path)
    assert remote(html) == []
    taught = [part.heading for part in sections(lesson) if part.kind == "teach" and part.core]
    assert all(re.split(r"[`'&*<>]", heading)[0] in html for heading in taught)
    linked = re.findall(r'(?:src|href)="(reveal/[^"]+)"', html)
    assert len(linked) >= 4 and all((tmp_path / name).is_file() for name in linked)
    cells = [cell for part in sections(lesson) if part.core for cell in part.cells]
    shown = [cell for cell in cells if not any(rules.calls(cell, name) for name in slides.NOT_SHOWN)]
    asked = sum(question.figure is not None for question in facts.quiz_of(lesson))
    assert html.count("<img") == sum(len(pictures(cell)) for cell in shown) + asked > 0


def test_slides_hide_what_is_not_for_the_screen():
    cells = slides.slide_notebook(LESSONS["03"]).cells
    seen = "\n".join(cell.source for cell in cells if cell.metadata.slideshow.slide_type != "notes")
    assert "quiz()" not in seen and "NBVAL" not in seen and "show(" not in seen and "What is forgotten" not in seen
    assert "### Your guess" in seen and "layer4 turns" not in seen
    notes = "\n".join(cell.source for cell in cells if cell.metadata.slideshow.slide_type == "notes")
    assert "Compute them once" in notes


# the two editions


@each_lesson
def test_editions_hold_the_same_code(lesson):
    assert edition_faults(lesson) == []
    made = student(lesson)
    assert code_of(made, CATCH_UP) == code_of(lesson, "solution")
    text = "\n".join(cell.source for cell in made.notebook.cells)
    bodies = [cell.source.partition("\n")[2] for cell in lesson.with_tag("solution")]
    assert not made.with_tag("solution") and not [body for body in bodies if body in text]
    assert not solution_lines(lesson) & {line.strip() for line in text.splitlines()}
    assert all(not cell.outputs and cell.execution_count is None for cell in made.code_cells)
    assert code_of(instructor(lesson)) == code_of(lesson)
    solutions = instructor(lesson).with_tag("solution")
    assert len(solutions) == len(lesson.with_tag("solution"))
    assert not any(cell.metadata.get("jupyter") for cell in solutions)


def test_an_edition_with_other_code_is_noticed(monkeypatch):
    lesson = small(code("answer = ...\ncheck('00-x', answer)"), code("check('00-x', 7)", "solution"))
    assert edition_faults(lesson) == []
    from authoring.teach import editions

    leaky = Lesson(lesson.path, copy.deepcopy(lesson.notebook))
    monkeypatch.setattr(editions, "student", lambda _: leaky)
    assert any("shows a solution: check('00-x', 7)" in fault for fault in edition_faults(lesson))
    bare = Lesson(lesson.path, new_notebook(cells=[]))
    monkeypatch.setattr(editions, "instructor", lambda _: bare)
    assert any("instructor edition holds other code" in fault for fault in edition_faults(lesson))


def test_an_answer_that_is_needed_later_can_be_fetched():
    lesson = small(
        code("drop = ...\ncheck('00-x', drop)"),
        code('part = 1\ndrop = [part, 2]\n\ncheck("00-x", drop)', "solution", NEEDED),
        code("spare = ...\ncheck('00-y', spare)"),
        code("spare = 5\ncheck('00-y', spare)", "solution"),
    )
    made = student(lesson)
    [cell] = made.with_tag(CATCH_UP)
    assert 'drop = catch_up("00-x", drop=drop)' in cell.source
    assert {id: unpack(text) for id, text in answers(lesson).items()} == {"00-x": "part = 1\ndrop = [part, 2]"}
    assert [tags(c) for c in made.notebook.cells] == [["core"], [CATCH_UP], ["core"]]
    lesson.notebook.cells[1].source = "drop = [1, 2]"
    assert "ends in no check" in edition_faults(lesson)[0]


def test_catching_up_keeps_the_learners_own_answer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert catch_up("00-x", drop=[3]) == [3] and capsys.readouterr().out == ""
    with pytest.raises(CourseDataError, match="solve the exercise"):
        catch_up("00-x", drop=...)
    Path(FILE).write_text(json.dumps({"00-x": pack("drop = [len(SEEN)]")}), encoding="utf-8")
    globals()["SEEN"] = "four"
    assert catch_up("00-x", drop=...) == [4]
    assert "00-x is still open" in capsys.readouterr().out
    with pytest.raises(CourseDataError, match="one variable"):
        catch_up("00-x")


# the command


def test_the_command_makes_the_kit(tmp_path, capsys):
    assert main(["teach", "--only", "3", "20", "--out", str(tmp_path)]) == 0
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    name = "03_fine_tuning_recipe"
    wanted = {f"guides/{name}.md", f"guides/{name}.html", f"slides/{name}.html", f"student/{name}.ipynb"}
    wanted |= {f"instructor/{name}.ipynb", f"student/{FILE}", "plans/taster.html", "plans/taster_exit_ticket.html"}
    wanted |= {f"guides/{name}_exit_ticket.html"}
    assert wanted <= made and "index.html" in made and "student/00_start_here.ipynb" not in made
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "90 minutes" in index and "open index.html" in capsys.readouterr().out
    read = book.read(tmp_path / "student" / f"{name}.ipynb")
    assert not read.with_tag("solution") and read.about["title"] == "The fine-tuning recipe"
    assert set(json.loads((tmp_path / "student" / FILE).read_text())) >= {"20-clean", "20-train"}
    assert main(["teach", "--only", "99"]) == 1 and "There is no lesson 99" in capsys.readouterr().err


def test_running_the_student_edition_names_the_lesson_that_fails(tmp_path, monkeypatch):
    for id in ("00", "03"):
        book.save(Lesson(tmp_path / LESSONS[id].path.name, student(LESSONS[id]).notebook))

    def run(lesson, root):
        if lesson.id == "03":
            raise LessonError("Lesson 03, code cell 2: NameError")
        return type("Usage", (), {"seconds": 1.0, "peak_mb": 2.0})()

    monkeypatch.setattr(command, "execute", run)
    assert command.run_students(tmp_path, ROOT) == ["Student edition. Lesson 03, code cell 2: NameError"]


# the pages for teachers


@pytest.mark.parametrize("name", ["TEACHING.md", "JUPYTERHUB.md"])
def test_links_of_the_pages_lead_somewhere(name):
    text = (ROOT / "lessons" / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    assert all((ROOT / "lessons" / link.partition("#")[0]).is_file() for link in links), links
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z]+)", text, flags=re.MULTILINE)
    assert named and set(named) <= targets


def test_the_page_names_every_plan_and_folder_of_the_kit():
    text = (ROOT / "lessons" / "TEACHING.md").read_text(encoding="utf-8")
    assert all(f"`{folder}/`" in text for folder in ("guides", "slides", "plans", "student", "instructor"))
    assert all(word in text for word in ("90 minutes", "one day", "two days", "a semester"))
    assert len(plans.plan_names()) == 4
