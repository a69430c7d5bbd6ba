"""What the README shows from the records: launch badges, a picture, the map, and what became of each claim.

Each part stands between two marks and is made anew by ``python -m authoring lessons --headers``.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from authoring.notebooks import front_picture, launch
from authoring.notebooks.book import put_between
from ftlessons.classroom.course import course_map, load_course
from ftlib import catalog

FIRST = "00_start_here.ipynb"
VERDICTS = ("supported", "conditional", "refuted", "undecided")
PARTS = ("launch", "picture", "map", "claims")


def marks(part: str) -> tuple[str, str]:
    """What stands before and after a part of the README."""
    return f"<!-- {part}: made by `python -m authoring lessons --headers`, do not edit -->", f"<!-- end of {part} -->"


def part(name: str, repository: str = "") -> str:
    """The Markdown of one of ``PARTS``.

    Args:
        name: which of them.
        repository: where the course is published, "" where there is no such place yet.
    """
    if name == "launch":
        return launch.badges(FIRST, repository, "lesson 00")
    if name == "picture":
        return front_picture.markup()
    course = load_course()
    built = {id for id, entry in course.items() if entry.file}
    if name == "map":
        return course_map(course, links="lessons/", found=claims_by_lesson(built))
    return claims_table(built)


def renew_readme(readme: Path, repository: str = "") -> bool:
    """Put every part between its marks in the README; tell whether the text changed.

    Raises:
        LessonError: a mark is missing.
    """
    return any([put_between(readme, *marks(name), part(name, repository), name) for name in PARTS])


def verdicts(lessons: Collection[str]) -> list[tuple[str, str, str]]:
    """(claim, lesson, verdict) of every test that one of these lessons runs, in the order of claims and lessons."""
    content = _claims()
    found = [(id, test["lesson"], test["verdict"]) for id, claim in content.items() for test in claim["test"]]
    order = {id: place for place, id in enumerate(content)}
    return sorted((row for row in found if row[1] in lessons), key=lambda row: (order[row[0]], row[1]))


def claims_by_lesson(lessons: Collection[str]) -> dict[str, str]:
    """For each lesson its claims by verdict, such as "supported: C1, C2; undecided: C5"."""
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for id, lesson, verdict in verdicts(lessons):
        groups[lesson][verdict].append(id)
    return {
        lesson: "; ".join(f"{name}: {', '.join(by[name])}" for name in VERDICTS if name in by)
        for lesson, by in groups.items()
    }


def claims_table(lessons: Collection[str]) -> str:
    """How the claims came out in a sentence, and in a fold each claim with its verdict in each lesson."""
    tests = verdicts(lessons)
    counts = Counter(verdict for _, _, verdict in tests)
    told: dict[str, list[str]] = defaultdict(list)
    for id, lesson, verdict in tests:
        told[id].append(f"{lesson} {verdict}")
    rows = [f"| {id} | {_claims()[id]['statement']} | {' · '.join(where)} |" for id, where in told.items()]
    counted = _listed(f"{counts[name]} {name}" for name in VERDICTS if counts[name])
    said = f"{len(told)} claims have been put to {len(tests)} tests so far. The verdicts: {counted}."
    fold = f"<details><summary>All {len(told)} claims and what became of them</summary>"
    table = "\n".join(["| claim | statement | lesson and verdict |", "|---|---|---|", *rows])
    return f"{said}\n\n{fold}\n\n{table}\n\n</details>"


def _listed(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _claims() -> dict[str, dict]:
    return tomllib.loads((catalog.data_dir() / "claims.toml").read_text(encoding="utf-8"))
