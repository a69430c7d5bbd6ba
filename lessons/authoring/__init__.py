"""What builds the course, and no learner needs: lessons run and checked, results recorded, models pre-trained."""

from pathlib import Path


class AuthoringError(RuntimeError):
    """Something cannot be made as asked; the message says why and what to do."""


def template(name: str) -> str:
    """The text of a file in ``authoring/templates``: what is written with fields in braces to be filled."""
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
