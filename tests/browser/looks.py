"""What must hold of a notebook that has run in the browser, whatever lesson it is; faults are told as sentences."""

from __future__ import annotations

import probes
from driver import Notebook
from nbformat import NotebookNode

from authoring.notebooks import rules
from authoring.notebooks.rules import ALT_TEXT, calls

MAY_WARN = "may-warn"  # a cell with this tag may write to stderr
EARLY = "No such comm target registered: jupyter.widget.control"
# Notebook 7 itself says these when it opens a file
NOT_OURS = ("reading 'schema'", "'filebrowser:open-path' not registered")


def complaints(notebook: Notebook) -> list[str]:
    """Errors and warnings: in cells, from the kernel outside of cells, and in the browser's console."""
    faults = [
        f"cell {cell['index']}: {output['name']}: {output['text'][:300]}"
        for cell in notebook.cells()
        for output in cell["outputs"]
        if output["type"] == "error" or (output["name"] == "stderr" and MAY_WARN not in cell["tags"])
    ]
    heard = without_early_question(notebook.page.evaluate(probes.HEARD))
    faults += [f"the kernel, outside of cells: {text}" for text in heard if not faults]
    mine = [text for text in notebook.complaints if not any(known in text for known in NOT_OURS)]
    return faults + [f"the browser's console: {text}" for text in mine]


def without_early_question(heard: list[str]) -> list[str]:
    """What a kernel said, less its answer to JupyterLab's question for widgets where it knows of none yet.

    JupyterLab asks whenever it connects. On a busy machine that is before the kernel has imported ipywidgets, and the
    first of the two lines of its answer may come before anybody listens: what is left is one number that the kernel
    does not know. Widgets that really are lost have a number each, and `missing_widgets` misses them in the page.
    """
    heard = [text for text in heard if EARLY not in text]
    follow_ups = {text for text in heard if text.startswith("No such comm: ")}
    return [text for text in heard if text not in follow_ups] if len(follow_ups) == 1 else heard


def missing_widgets(notebook: Notebook) -> list[str]:
    """Widgets that fell back to their plain form, were not drawn, or whose place holds an excuse."""
    makers, faults = rules.widget_makers(), []
    for cell in notebook.cells():
        if cell["type"] != "code":
            continue
        here = f"cell {cell['index']}"
        wanted = sum(len(calls(NotebookNode(source=cell["source"]), name)) for name in makers)
        if cell["asked"] < wanted:
            faults.append(f"{here}: {wanted} widgets are asked for, and {cell['asked']} were made")
        if cell["drawn"] < cell["asked"]:
            faults.append(f"{here}: {cell['asked']} widgets were made, and {cell['drawn']} drawn")
        faults += [f"{here} says {text!r}" for text in probes.BROKEN if text.lower() in cell["text"].lower()]
    return faults


def bad_figures(notebook: Notebook) -> list[str]:
    """Pictures in outputs that are not loaded, or whose alternative text says too little."""
    figures = notebook.page.evaluate(probes.FIGURES, ".jp-OutputArea img")
    return [f"a picture {figure['width']} px wide, {figure['alt']!r}" for figure in figures
            if not figure["width"] or len(figure["alt"]) < ALT_TEXT]  # fmt: skip
