"""Five questions, and the path that they lead to."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets
import pytest

from ftlessons.classroom.course import Entry, load_course
from ftlessons.classroom.display import WIDGET_MIME
from ftlessons.classroom.source import CourseDataError
from ftlessons.lesson00.path import DOMAINS, KNOWLEDGE, TIMES, Answers, as_markdown, closure, my_path, plan
from ftlessons.lesson00.path_form import path_widget

DOMAIN = {"06": "language", "07": "language", "10": "vision", "11": "vision", "13": "speech", "17": "retail"}
REQUIRES = {"00": (), "01": ("00",), "02": ("01",), "03": ("00",), "07": ("06",), "11": ("10",)}
IDS = ("00", "01", "02", "03", "04", "05", "06", "07", "10", "11", "13", "17", "18", "19", "20")


def entry(id, built=True, minutes=45):
    file = f"{id}_topic.ipynb" if built else None
    return Entry(id, f"Title {id}", "part", DOMAIN.get(id, "other"), REQUIRES.get(id, ("03",)), minutes, file)


@pytest.fixture
def course():
    """A course in which every lesson is built; 00 takes 15 minutes, all others 45."""
    return {id: entry(id, minutes=15 if id == "00" else 45) for id in IDS}


def ids(found):
    return [step.id for step in found.steps]


def test_one_domain_only_leaves_the_others_out(course):
    found = plan(Answers(("vision",), "networks"), course)
    assert ids(found) == ["00", "03", "04", "05", "10", "11", "18", "19"]
    assert found.notes == ()


def test_whatever_a_lesson_requires_comes_before_it(course):
    everything = plan(Answers(tuple(DOMAINS), "little", own_data=True), course)
    assert ids(everything) == sorted(set(IDS) - {"19"})
    for found in (everything, plan(Answers(("language",), "python", 160), course)):
        for number, step in enumerate(found.steps):
            assert set(course[step.id].requires) <= set(ids(found)[:number])


def test_a_requirement_that_nobody_asked_for_is_on_the_path_with_its_reason(course):
    course["17"] = replace(course["17"], requires=("05",))
    found = plan(Answers(("retail",), "networks", 15 + 3 * 45), course)
    assert ids(found) == ["00", "03", "05", "17"]
    assert closure("17", course) == ["00", "03", "05", "17"]
    course["17"] = replace(course["17"], requires=("11",))
    why = {step.id: step.why for step in plan(Answers(("retail",), "networks", 15 + 4 * 45), course).steps}
    assert why["10"] == "lesson 17 builds on it" and "retail" in why["17"]


@pytest.mark.parametrize("minutes", [10, 15, 45, 60, 90, 105, 150, 240, 500, 720])
@pytest.mark.parametrize("teacher", [False, True])
def test_the_time_is_kept(course, minutes, teacher):
    found = plan(Answers(("speech", "language"), "python", minutes, teacher, own_data=True), course)
    assert found.minutes <= minutes
    assert found.notes or minutes >= 500, "what was left out is said"


def test_what_does_not_fit_is_left_out_with_a_sentence_extras_first(course):
    found = plan(Answers(("speech", "language"), "networks", 150), course)
    assert ids(found) == ["00", "03", "06", "13"]
    assert found.notes == (
        "Left out, because 150 minutes are not enough: 07 Title 07 · 04 Title 04 · 05 Title 05 · 18 Title 18 "
        "· 19 Title 19.",
    )
    found = plan(Answers(("speech", "language"), "networks", 105), course)
    assert ids(found) == ["00", "03", "13"], "the domain named first comes first"
    assert found.notes[0] == "105 minutes leave no room for language: come back for that."


def test_own_data_and_missing_foundations_matter(course):
    assert "20" not in ids(plan(Answers(), course)) and "20" in ids(plan(Answers(own_data=True), course))
    assert "01" in ids(plan(Answers(knows="python"), course))
    assert "01" not in ids(plan(Answers(knows="networks"), course))
    assert any("first Python course" in note for note in plan(Answers(knows="little"), course).notes)
    assert any("no domain yet" in note for note in plan(Answers(), course).notes)
    assert ids(plan(Answers(knows="networks", minutes=105, own_data=True), course)) == ["00", "03", "20"]


def test_a_teacher_with_90_minutes_gets_a_taster(course):
    found = plan(Answers(("vision",), minutes=90, teacher=True), course)
    assert [(step.id, step.minutes) for step in found.steps] == [("00", 15), ("03", 45), ("03", 30)]
    assert "guess first" in found.steps[0].why and "extras" in found.steps[2].why
    assert "start each notebook once" in found.notes[0]


def test_a_shorter_taster_cuts_the_recipe_or_leaves_it_for_home(course):
    found = plan(Answers(minutes=50, teacher=True), course)
    assert [(step.id, step.minutes) for step in found.steps] == [("00", 15), ("03", 35)]
    assert "up to the label-budget curve" in found.steps[1].why
    found = plan(Answers(minutes=30, teacher=True), course)
    assert ids(found) == ["00"] and "too short for lesson 03" in found.notes[-1]


def test_a_teacher_with_more_time_gets_lessons(course):
    found = plan(Answers(("vision",), "networks", 240, teacher=True), course)
    assert ids(found) == ["00", "03", "04", "05", "10", "11"]
    assert "Take each lesson yourself first" in found.notes[-1]


def test_lessons_still_to_come_cost_no_time_and_have_no_link(course):
    course |= {id: entry(id, built=False) for id in ("10", "11", "01", "02", "04", "05", "18")}
    found = plan(Answers(("vision",), "python", 60), course)
    assert found.minutes == 60 and [step.is_built for step in found.steps if step.id == "10"] == [False]
    text = found.as_markdown()
    assert "1. [00 · Title 00](00_topic.ipynb), 15 minutes: everyone starts here.\n2. [03 · " in text
    assert "**60 minutes in all.**" in text
    assert "Still to come on your path: 01 Title 01 · 02 Title 02 · 04 Title 04 · 05 Title 05 · 10 Title 10" in text
    assert "10_topic" not in text


def test_senseless_answers_are_refused():
    for answers, message in (
        ({"domains": ("cooking",)}, "no domain 'cooking': choose from language"),
        ({"knows": "all"}, "knows='all': choose from little"), ({"minutes": 0}, "minutes=0: give a positive number"),
    ):
        with pytest.raises(ValueError, match=message):
            Answers(**answers)


def test_the_real_course_serves_every_answer():
    course = load_course()
    assert {"00", "03", "20"} <= set(course) and set(DOMAINS) <= {entry.domain for entry in course.values()}
    for domain in DOMAINS:
        for knows in KNOWLEDGE:
            for minutes in TIMES.values():
                found = plan(Answers((domain,), knows, minutes))
                assert found.steps[0].id == "00" and found.as_markdown()
    assert any(step.id == "13" for step in plan(Answers(("speech",))).steps)


def test_the_form_shows_the_plan_of_its_answers(course):
    box = path_widget(course)
    domains, knows, minutes, teacher, own_data, button, answer = box.children
    assert [picker.description[0] for picker in (knows, minutes, teacher, own_data)] == ["2", "3", "4", "5"]
    next(tick for tick in domains.children if tick.value is False and tick.description == "Speech").value = True
    knows.value, minutes.value, own_data.value = "networks", 240, True
    assert answer.outputs == ()
    button.click()
    (shown,) = answer.outputs
    expected = plan(Answers(("speech",), "networks", 240, False, True), course).as_markdown()
    assert shown["data"]["text/markdown"] == expected and "13_topic.ipynb" in expected
    teacher.value, minutes.value = True, 90
    button.click()
    assert "each group takes another one" in answer.outputs[0]["data"]["text/markdown"]
    assert isinstance(box, ipywidgets.VBox)


def test_without_widgets_the_rule_and_the_lessons_of_each_domain_stand(course, shown):
    course["13"] = entry("13", built=False)
    text = as_markdown(course)
    assert "Everyone takes 00 and 03." in text
    assert "- Images: [10 Title 10](10_topic.ipynb) · [11 Title 11](11_topic.ipynb)" in text
    assert "- Speech: 13 Title 13 (to come)" in text and "- Robots: nothing yet" in text
    assert my_path() is None
    assert set(shown[0]) == {"text/plain", "text/markdown", WIDGET_MIME}


COURSE = '[lessons]\n00 = { title = "A", part = "start" }\n03 = { title = "B", part = "practice"%s }\n'


def test_a_planned_course_is_read_from_its_file(data):
    data("course.toml", COURSE % ', requires = ["00"], domain = "retail"')
    found = load_course({})
    assert list(found) == ["00", "03"] and found["03"].file is None and found["03"].minutes == 45
    assert (found["03"].requires, found["03"].domain, found["00"].domain) == (("00",), "retail", "start")


def test_every_lesson_builds_on_earlier_ones_only():
    course = load_course()
    for id, entry in course.items():
        assert entry.title and entry.part, f"lesson {id}: give it a title and a part"
        assert set(entry.requires) <= {other for other in course if other < id}, f"lesson {id} requires a later one"


@pytest.mark.parametrize("text", [None, '{"00": {"fi'])
def test_an_index_that_cannot_be_read_is_named_with_what_renews_it(data, text):
    data("course.toml", COURSE % "")
    if text:
        data("lessons.json", text)
    with pytest.raises(CourseDataError, match="data/lessons.json cannot be read .*authoring lessons --headers"):
        load_course()
