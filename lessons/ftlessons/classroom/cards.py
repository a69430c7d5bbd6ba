"""A checkpoint's papers: what the catalog records, and its model card, folded away."""

from __future__ import annotations

from ftlessons.classroom.session import show


def card(name: str) -> None:
    """Show what is on record about a checkpoint of the course, and its model card where one is shipped.

    Raises:
        CatalogError: there is no such entry.
    """
    from ftlib import catalog

    entry = catalog.entry(name)
    size = sum(file.size for file in entry.files if file.path.endswith(".safetensors")) / 1e6
    about = f"**{name}**: {entry.title}. Licence {entry.licence}, weights {size:.{int(size < 1)}f} MB."
    if all(file.path != "README.md" for file in entry.files):
        where = f" at {entry.url}" if entry.url else ""
        show(f"{about} Its card is not shipped with the course: read it{where}.")
        return
    text = catalog.path(name, "README.md", verbose=False).read_text(encoding="utf-8")
    lines = [f"##{line}" if line.startswith("#") else line for line in text.splitlines()]
    body = "\n".join(lines).strip()
    show(f"{about}\n\n<details><summary>The whole card</summary>\n\n{body}\n\n</details>")
