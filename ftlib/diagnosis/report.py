"""What a look over a run found, as text and as HTML."""

from __future__ import annotations

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One suspicion: what is wrong, where, on what evidence, and what to do about it."""

    what: str
    where: str
    evidence: str
    todo: str

    def __str__(self) -> str:
        """The finding in two lines."""
        return f"{self.what} ({self.where}): {self.evidence}\n  Do: {self.todo}"


@dataclass(frozen=True)
class Report:
    """What ``check_run`` found, and what it could not look at; shows itself as text or HTML."""

    findings: list[Finding]
    unseen: list[str]

    def __bool__(self) -> bool:
        """Whether there is any finding."""
        return bool(self.findings)

    def __repr__(self) -> str:
        found = [f"{n}. {finding}" for n, finding in enumerate(self.findings, 1)] or ["Nothing suspicious was found."]
        return "\n".join([*found, "Not seen:", *(f"- {line}" for line in self.unseen)])

    def _repr_html_(self) -> str:
        def item(f: Finding) -> str:
            what, where, evidence, todo = (html.escape(text) for text in (f.what, f.where, f.evidence, f.todo))
            return f"<li><strong>{what}</strong> ({where}): {evidence}<br>Do: {todo}</li>"

        found = "".join(map(item, self.findings)) or "<li>Nothing suspicious was found.</li>"
        unseen = "".join(f"<li>{html.escape(line)}</li>" for line in self.unseen)
        return f"<ol>{found}</ol><p>Not seen:</p><ul>{unseen}</ul>"
