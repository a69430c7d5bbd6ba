"""Where a published course opens without an installation: links to Colab and Binder, and Colab's install cell."""

from __future__ import annotations

from urllib.parse import urlparse

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from authoring.notebooks.book import Lesson

COPIES = "work"  # the folder of learners' own copies
COLAB = "colab"
BADGES = {
    "Colab": "https://colab.research.google.com/assets/colab-badge.svg",
    "Binder": "https://mybinder.org/badge_logo.svg",
}
COLAB_TAGS = [COLAB, "skip-execution", "nbval-skip"]  # nothing but Colab runs it
INSTALL = """\
# On Colab this installs the course, which takes a minute. Anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    %pip install -q "ftlib @ git+https://github.com/{name}"
    %pip install -q "ftlib[files] @ git+https://github.com/{name}"\
"""


def github_name(repository: str) -> str:
    """``owner/name`` of an address at GitHub, "" of any other.

    >>> github_name("https://github.com/anna/course.git")
    'anna/course'
    """
    address = urlparse(repository)
    return address.path.strip("/").removesuffix(".git") if address.netloc == "github.com" else ""


def addresses(file: str, repository: str) -> dict[str, str]:
    """Where one notebook opens without an installation, by the name of the place; empty without GitHub."""
    name = github_name(repository)
    if not name:
        return {}
    return {
        "Colab": f"https://colab.research.google.com/github/{name}/blob/main/lessons/{file}",
        "Binder": f"https://mybinder.org/v2/gh/{name}/main?urlpath=lab/tree/{COPIES}/{file}",
    }


def links(file: str, repository: str) -> str:
    """Launch links of one notebook as Markdown text (a badge picture would need the network), "" without GitHub."""
    return " · ".join(f"[{place}]({address})" for place, address in addresses(file, repository).items())


def badges(file: str, repository: str, what: str) -> str:
    """The same as badges for a page that is read on the web; without a network their alt text stands there.

    Args:
        what: what opens, for the alt text, such as "lesson 00".
    """
    opened = addresses(file, repository).items()
    return " ".join(f"[![Open {what} in {place}]({BADGES[place]})]({address})" for place, address in opened)


def install_cell(lesson: Lesson, repository: str) -> NotebookNode | None:
    """The cell that makes a lesson work on Colab untouched, or None where the course is not at GitHub."""
    name = github_name(repository)
    if not name:
        return None
    metadata = {"tags": COLAB_TAGS, "cellView": "form", "jupyter": {"source_hidden": True}}
    return new_code_cell(INSTALL.format(name=name), id=f"colab-{lesson.id}", metadata=metadata)
