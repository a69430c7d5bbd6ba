"""Which lessons the browser opens, and whether there is one."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from authoring.notebooks.book import Lesson, find
from ftlib.workspace import fingerprint, read_notebook

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = ("00", "03")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OF_A_LESSON = re.compile(r"(?:lessons|data/quizzes)/(\d\d)[_.][^/]*|lessons/ftlessons/lesson(\d\d)/[^/]+\.py")


def browser_path() -> str | None:
    """The Chromium or Chrome of this machine, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def missing() -> str | None:
    """Why there are no browser tests on this machine, or None."""
    packages = [name for name in ("playwright", "jupyterlab", "notebook") if not importlib.util.find_spec(name)]
    if packages:
        return f"the browser tests need the package {packages[0]}: `make test` installs it"
    return None if browser_path() else "the browser tests need Chromium or Chrome (on Debian: apt install chromium)"


def lessons_to_open() -> list[Lesson]:
    """The lessons named in FTLIB_BROWSER_LESSONS ("all", or numbers); else 00, 03 and those that the change touched."""
    wanted = os.environ.get("FTLIB_BROWSER_LESSONS", "").split()
    there = {lesson.id: lesson for lesson in find(ROOT / "lessons")}
    if wanted == ["all"]:
        return list(there.values())
    if wanted:
        return find(ROOT / "lessons", wanted)
    chosen = {*ALWAYS, *touched(ROOT)}
    return [lesson for id, lesson in there.items() if id in chosen]


def touched(root: Path) -> set[str]:
    """The numbers of the lessons that differ from where this branch began, or on the main branch from the last commit.

    Their text, quiz or exercises differ, that is: new results alone do not count. Empty without git.
    """
    head = _git(root, "rev-parse", "HEAD")
    names = ("origin/main", "origin/master", "main", "master")
    bases = (_git(root, "merge-base", "HEAD", name) for name in names)
    base = next((found for found in bases if found and found != head), _git(root, "rev-parse", "HEAD~1"))
    if not base:
        return set()
    paths = _git(root, "diff", "--name-only", base).split("\n")
    paths += _git(root, "ls-files", "--others", "--exclude-standard", "lessons", "data/quizzes").split("\n")
    found = {path: match for path in paths if (match := OF_A_LESSON.fullmatch(path)) and (root / path).exists()}
    return {match[1] or match[2] for path, match in found.items() if _says_something_else(root, base, path)}


def _says_something_else(root: Path, base: str, path: str) -> bool:
    before = _git(root, "show", f"{base}:{path}") if path.endswith(".ipynb") else ""
    return not before or fingerprint(json.loads(before)) != fingerprint(read_notebook(root / path))


def _git(root: Path, *arguments: str) -> str:
    """What git prints, "" where it cannot."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
