"""Your own questions: a CSV of context, question and answer, and per row what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ftlessons.lesson07.task import HouseQuestions, Question
from ftlib.own.account import UNUSABLE, Account
from ftlib.own.tables import Table

NEEDED = ("context", "answer", "question")


class OwnQuestions(HouseQuestions):
    """Your questions as a task: the documents are split by their text, and the house's tuned settings are borrowed.

    Raises:
        ValueError: a split would have no question, since there are too few documents.
    """

    name = "own questions"
    grid = ()
    settings_like = "manuals"

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = list(questions)
        for split in ("train", "test"):
            self.asked(split)


def read_questions(path: str | Path, encoding: str | None = None) -> tuple[list[Question], Account]:
    """Questions from a CSV with the columns ``context``, ``question`` and ``answer``, and the account of all rows.

    An empty answer means that the text does not say it. A column ``start`` (characters, counted from 0) says which
    place is meant where an answer stands in its text twice. Printing the account shows how many rows are used;
    ``account.skipped`` has each row that is not, and why.

    Raises:
        ValueError: the file is no such table, or no row of it can be used.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}: give the path of a CSV")
    table = Table(path, NEEDED, encoding)
    account, found = Account("row", limit=10**9), []
    for row, fields in table.rows(account, lambda text: False):
        values = dict(zip(table.columns, fields, strict=True))
        context, question, answer = (values[name] for name in ("context", "question", "answer"))
        start, why = _place(context, question, answer, values.get("start", ""))
        if why:
            account.leave(UNUSABLE, "", row, why)
            continue
        document = f"text {hashlib.sha256(context.encode()).hexdigest()[:8]}"  # the same text, the same split
        account.found[""] += 1
        account.used[""] += 1
        found.append(Question(row, document, question, context, answer, start, "own"))
    if not found:
        why = " ".join(account.skipped[0]) if account.skipped else "there is none below the header"
        raise ValueError(f"{path.name} has no row that can be used: {why}")
    return found, account


def _place(context: str, question: str, answer: str, start: str) -> tuple[int, str]:
    """Where the answer begins, and what is wrong, if anything is."""
    if not context or not question:
        return -1, f"has no {'question' if context else 'context'}"
    if not answer:
        return -1, ""
    times = context.count(answer)
    if not times:
        where = context.lower().find(answer.lower())
        hint = f": copy it as it stands there, {context[where : where + len(answer)]!r}" if where >= 0 else ""
        return -1, f"has an answer that is not in its context ({answer[:40]!r}){hint}"
    if start:
        if not start.isdecimal() or not context.startswith(answer, int(start)):
            return -1, f"has start {start!r}, where its answer does not stand"
        return int(start), ""
    if times > 1:
        return -1, f"has an answer that is {times} times in its context ({answer[:40]!r}): add a column start"
    return context.index(answer), ""
