"""Run a lesson in a fresh kernel of this interpreter: one thread, offline, measured."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from authoring.notebooks.book import Lesson, LessonError
from authoring.notebooks.usage import Usage, no_report, read_usage

if TYPE_CHECKING:
    from nbclient import NotebookClient

CELL_TIMEOUT = 300
FIXED = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "FTLIB_THREADS": "1", "FTLIB_PROFILE": "small",
    "FTLIB_DEVICE": "cpu", "HF_HUB_OFFLINE": "1", "FTLIB_BLOCK_NETWORK": "1", "FTLIB_STRICT": "1",
    "PYTHONHASHSEED": "0",
}  # fmt: skip


def kernel_environment(root: Path, usage_folder: Path) -> dict[str, str]:
    """The environment variables in which every lesson is tested and recorded.

    Args:
        root: the course's repository; its ``ftlib`` and its network guard come first on the path.
        usage_folder: where the kernel writes what it used.
    """
    path = [str(root / "tests" / "guard"), str(root), str(root / "lessons")]
    path += [os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    searched = os.pathsep.join(dict.fromkeys(path))
    return {**FIXED, "FTLIB_USAGE_DIR": str(usage_folder), "PYTHONPATH": searched}


def execute(lesson: Lesson, root: Path) -> Usage:
    """Run all cells of a lesson, put their outputs in place, and return what the run cost.

    Raises:
        LessonError: a cell failed, took too long or lost its kernel; or no cost was reported.
    """
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for cell in lesson.code_cells:
        cell.outputs, cell.execution_count = [], None
    lesson.notebook.metadata.pop("widgets", None)
    with tempfile.TemporaryDirectory(prefix="ftlib-usage-") as folder:
        reached: list[int] = []
        client = _client(lesson.notebook, lambda cell, cell_index: reached.append(cell_index))
        environment = {**os.environ, **kernel_environment(root, Path(folder))}
        try:
            client.execute(env=environment, cwd=str(lesson.path.parent.resolve()), stderr=DEVNULL)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as problem:
            number = sum(cell.cell_type == "code" for cell in lesson.notebook.cells[: reached[-1] + 1])
            raise LessonError(f"Lesson {lesson.id}, code cell {number}: {_what(lesson, problem)}") from None
        usage = read_usage(Path(folder), lesson.id)
    if usage is None:
        raise LessonError(no_report(lesson))
    return usage


def _client(notebook: NotebookNode, on_cell_execute: Callable[..., object]) -> NotebookClient:
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    class ThisInterpreter(AsyncKernelManager):
        """Whatever ``python3`` kernel a user registered, lessons run in the interpreter at hand."""

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(**get_kernel_dict())

    return NotebookClient(
        notebook, kernel_manager_class=ThisInterpreter, kernel_name="python3", timeout=CELL_TIMEOUT,
        store_widget_state=False, record_timing=False, on_cell_execute=on_cell_execute,
    )  # fmt: skip


def _what(lesson: Lesson, problem: Exception) -> str:
    errors = [o for cell in lesson.code_cells for o in cell.outputs if o.output_type == "error"]
    if errors:
        return f"{errors[-1].ename}: {errors[-1].evalue}"
    if isinstance(problem, TimeoutError):
        return f"took longer than {CELL_TIMEOUT} seconds"
    return "the kernel died (most often: out of memory)"
