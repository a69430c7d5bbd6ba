"""Plans for teaching with the course: timing sheets and exit tickets, made from ``data/plans.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from authoring.notebooks.book import Lesson
from authoring.teach import facts
from authoring.teach.pages import render, table
from authoring.teach.sections import Section, sections, whole_shares
from ftlessons.classroom import source
from ftlessons.classroom.course import PLANNED_MINUTES
from ftlessons.classroom.quizzes import Question

FILE = "plans.toml"
PARTS = {
    "core": ("opening", "teach", "closing", "quiz", "exercise", "reflection"),
    "teach": ("opening", "teach"),
    "exercises": ("exercise",),
    "closing": ("closing",),
    "quiz": ("quiz",),
}
LESSON_QUESTIONS = 3
WEEK_START, WEEK_TALK, WEEK_MINUTES = "09:00", 10, 90


@dataclass(frozen=True)
class Item:
    """An exit ticket's question and the lesson that it is from."""

    lesson: str
    question: Question


def plan_names() -> list[str]:
    """The plans in ``data/plans.toml``."""
    return list(source.load_toml(FILE))


def plan_title(name: str) -> str:
    """The title of a plan."""
    return source.load_toml(FILE)[name]["title"]


def plan(name: str, lessons: Mapping[str, Lesson]) -> str:
    """A plan as Markdown: whom it is for, and a timing sheet for each session.

    Args:
        name: one of `plan_names`.
        lessons: the lessons that are there, by id; others are named as still to come.
    """
    content = source.load_toml(FILE)[name]
    said = f"For {content['people']}. {content['gain']} {content.get('each', '')}".rstrip()
    lines = [f"# {content['title']}", "", said]
    for session in _sessions(content, lessons):
        lines += ["", f"## {session['title']}", "", _sheet(session, lessons)]
    lines += ["", "Rows in italics share a block out among the sections of its lesson, by the estimates of its guide."]
    return "\n".join(lines) + "\n"


def ticket(name: str, lessons: Mapping[str, Lesson]) -> str:
    """The exit ticket of a plan as Markdown: a page to print, and the key on another."""
    content = source.load_toml(FILE)[name]
    used = [id for id in _used(content, lessons) if id in lessons]
    items = ticket_items(used, lessons, content["ticket"])
    return render("ticket.md.j2", title=content["title"], items=items, remedy=facts.remedy)


def lesson_ticket(lesson: Lesson) -> str:
    """The exit ticket of one lesson, in the same form."""
    title = f"{lesson.id} {lesson.about['title']}"
    items = ticket_items([lesson.id], {lesson.id: lesson}, LESSON_QUESTIONS)
    return render("ticket.md.j2", title=title, items=items, remedy=facts.remedy)


def ticket_items(ids: Sequence[str], lessons: Mapping[str, Lesson], count: int) -> list[Item]:
    """Questions for a ticket: one of each lesson in turn, those first whose wrong answers are known beliefs.

    Questions that only recall an earlier lesson are left out.
    """

    def beliefs(item: Item) -> int:
        return sum(choice.misconception is not None for choice in item.question.choices)

    own = [[Item(id, question) for question in facts.quiz_of(lessons[id]) if not question.recalls] for id in ids]
    rounds = zip_longest(*(sorted(items, key=beliefs, reverse=True) for items in own))
    chosen = [item for each in rounds for item in each if item][:count]
    return sorted(chosen, key=lambda item: item.lesson)


def _sessions(content: dict[str, Any], lessons: Mapping[str, Lesson]) -> list[dict[str, Any]]:
    """The sessions as written, or one for each week; a block that teaches a whole core has that core's minutes."""
    weeks = enumerate(content.get("weeks", ()), start=1)
    found = content.get("session") or [_week(number, entries, lessons) for number, entries in weeks]
    return [session | {"block": [{"minutes": _core(block, lessons)} | block for block in session["block"]]}
            for session in found]  # fmt: skip


def _core(block: Mapping[str, Any], lessons: Mapping[str, Lesson]) -> int:
    """The minutes in the header of a block's lesson, or the most of those among which it lets choose."""
    ids = [block["lesson"]] if "lesson" in block else _choices(block, lessons)
    return max((lessons[id].about["minutes"] for id in ids if id in lessons), default=PLANNED_MINUTES)


def _week(number: int, entries: Sequence[str], lessons: Mapping[str, Lesson]) -> dict[str, Any]:
    there = {id: lessons[id].about for id in (entry[:2] for entry in entries) if id in lessons}
    lengths = [there.get(entry[:2], {"minutes": PLANNED_MINUTES})["minutes"] for entry in entries]
    free = WEEK_MINUTES - 2 * WEEK_TALK
    room = free - sum(lengths)
    shares = lengths if room >= 0 else whole_shares([free * length / sum(lengths) for length in lengths], free)
    blocks: list[dict[str, Any]] = [{"minutes": WEEK_TALK, "title": "Last week's tickets and homework"}]
    for entry, share in zip(entries, shares, strict=True):
        id, _, extras = entry.partition(" ")
        title = f"{id} {there[id]['title']}" if id in there else id
        block = {"title": f"{title}, its extras"} if extras else {"title": title, "lesson": id, "part": "core"}
        block |= {} if id in there else {"note": "Until then: project work, or the extras of an earlier lesson."}
        blocks.append(block | {"minutes": share})
    blocks += [{"minutes": room, "title": "Room for questions, and the first extras"}] if room > 0 else []
    blocks.append({"minutes": WEEK_TALK, "title": "Exit ticket and homework: the extras"})
    return {"title": f"Week {number}: {' and '.join(entries)}", "start": WEEK_START, "block": blocks}


def _used(content: dict[str, Any], lessons: Mapping[str, Lesson]) -> list[str]:
    """The ids of all lessons that a plan's blocks name, each once."""
    blocks = (block for session in _sessions(content, lessons) for block in session["block"])
    ids = (id for block in blocks for id in ([block["lesson"]] if "lesson" in block else _choices(block, lessons)[:1]))
    return list(dict.fromkeys(ids))


def _choices(block: dict[str, Any], lessons: Mapping[str, Lesson]) -> list[str]:
    there = [id for id in block.get("choose", ()) if id in lessons]
    return there or ([block["otherwise"]] if "otherwise" in block else [])


def _sheet(session: dict[str, Any], lessons: Mapping[str, Lesson]) -> str:
    clock, rows = 60 * int(session["start"][:2]) + int(session["start"][3:]), []
    for block in session["block"]:
        rows.append((_time(clock), block["minutes"], f"**{block['title']}**", _remark(block, lessons)))
        rows += list(_inside(block, lessons, clock))
        clock += block["minutes"]
    rows.append((_time(clock), "", "**End**", ""))
    return table(["time", "minutes", "what", "how"], rows)


def _remark(block: dict[str, Any], lessons: Mapping[str, Lesson]) -> str:
    said = []
    if "choose" in block:
        there = [f"{id} {lessons[id].about['title']}" for id in _choices(block, lessons) if id in lessons]
        said.append(f"Take one: {', '.join(there)}." if there else "None of these lessons is there yet.")
    elif "lesson" in block:
        here = block["lesson"] in lessons
        said.append(f"Lesson {block['lesson']}." if here else f"Lesson {block['lesson']} is still to come.")
    return " ".join([*said, block.get("note", "")]).strip()


def _inside(block: dict[str, Any], lessons: Mapping[str, Lesson], clock: int) -> Iterator[tuple[str, int, str, str]]:
    """The sections of a block's lesson, its minutes shared out among them."""
    lesson = lessons.get(block.get("lesson", ""))
    if lesson is None:
        return
    chosen = _sections(block, lesson)
    if not chosen or len(chosen) > block["minutes"]:
        return
    total = sum(section.minutes for section in chosen)
    shares = whole_shares([block["minutes"] * s.minutes / total for s in chosen], block["minutes"])
    for section, minutes in zip(chosen, shares, strict=True):
        yield _time(clock), minutes, f"*{section.heading}*", facts.does(section)
        clock += minutes


def _sections(block: dict[str, Any], lesson: Lesson) -> list[Section]:
    parts = [section for section in sections(lesson) if section.core]
    if "headings" in block:
        return [section for section in parts if section.heading in block["headings"]]
    return [section for section in parts if section.kind in PARTS[block.get("part", "core")]]


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
