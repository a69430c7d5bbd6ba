"""Starts JupyterLab on a learner's copy of the lessons, and drives a browser that is installed already."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import probes
from chosen import ROOT, browser_path
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from authoring.notebooks.book import Lesson
from authoring.notebooks.kernel import FIXED
from ftlib.runtime import write_json
from ftlib.workspace import cleared, copy_lessons

PICTURES = ROOT / "build" / "browser"
TOKEN = "browser-tests"
START_S, RUN_S, ACT_S = 180, 900, 120
TALLEST = 14000  # pixels: Chromium draws no picture beyond 16384
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
}


def picture_path(name: str) -> Path:
    """Where a picture is saved; the folder is made if needed."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES / f"{name}.png"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own browser, without a window."""
    arguments = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=arguments)
        yield browser
        browser.close()


class Server:
    """JupyterLab and Notebook 7 on a folder of copies, with settings that no other Jupyter shares."""

    def __init__(self, folder: Path) -> None:
        self.lessons, self._home = folder / "lessons", folder / "jupyter"
        copy_lessons(ROOT / "lessons", self.lessons)
        for name, values in SETTINGS.items():
            self.set(name, **values)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = folder / "jupyter.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait()

    def _command(self) -> list[str]:
        options = {
            "ServerApp.port": self.port, "ServerApp.port_retries": 0, "ServerApp.ip": "127.0.0.1",
            "IdentityProvider.token": TOKEN, "ServerApp.root_dir": self.lessons, "ServerApp.open_browser": False,
            "LabApp.expose_app_in_browser": True, "JupyterNotebookApp.expose_app_in_browser": True,
            "LabApp.user_settings_dir": self._home / "settings", "LabApp.workspaces_dir": self._home / "workspaces",
            "JupyterNotebookApp.user_settings_dir": self._home / "settings", "LabApp.extension_manager": "readonly",
            "ServerApp.allow_root": True,
        }  # fmt: skip
        return [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]

    def _environment(self) -> dict[str, str]:
        """A learner's environment, with one thread and no network: not the strict one of the other tests."""
        kept = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("FTLIB_")}
        places = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        fixed = {name: value for name, value in FIXED.items() if name != "FTLIB_STRICT"}
        path = [str(ROOT / "tests" / "guard"), str(ROOT), str(ROOT / "lessons")]
        return {
            **kept, **fixed, "PYTHONPATH": os.pathsep.join(path), "IPYTHONDIR": str(self._home / "ipython"),
            "JUPYTER_PREFER_ENV_PATH": "1", **{f"JUPYTER_{name}": str(self._home / name) for name in places},
        }  # fmt: skip

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self.ask("api/status")
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text(errors='replace')[-3000:]}")

    def set(self, name: str, **values: object) -> None:
        """Write a user's settings for the pages that open from now on."""
        write_json(self._home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings", values)

    def ask(self, path: str, method: str = "GET") -> object:
        """The server's JSON answer, or None where it has none."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", method=method)
        request.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def end_kernels(self) -> None:
        """Shut down every kernel, so that the next lesson has the memory."""
        for kernel in self.ask("api/kernels"):
            self.ask(f"api/kernels/{kernel['id']}", "DELETE")

    def add(self, name: str, notebook: NotebookNode) -> str:
        """Put one more notebook beside the copies; returns its name."""
        write_json(self.lessons / name, cleared(notebook))
        return name

    def stop(self) -> None:
        """End the server with its kernels."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()


@contextmanager
def serve() -> Iterator[Server]:
    """A server in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ftlib-browser-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.stop()


class Notebook:
    """One open notebook.

    Attributes:
        page: the browser's page.
        complaints: what the page wrote to its console as an error, and uncaught exceptions.
    """

    def __init__(self, browser: Browser, server: Server, name: str, app: str = "lab", width: int = 1280) -> None:
        self.server, self.name, self.app = server, name, app
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.set_default_timeout(ACT_S * 1000)
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda problem: self.complaints.append(f"uncaught: {problem}"))
        place = f"lab/tree/{name}?reset&" if app == "lab" else f"notebooks/{name}?"
        self.page.goto(f"http://127.0.0.1:{server.port}/{place}token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=START_S * 1000)
        self.page.wait_for_function(probes.READY, timeout=START_S * 1000)
        self.page.evaluate(probes.LISTEN)
        if app == "lab":
            self.command("application:toggle-left-area")

    def _note(self, message: object) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def command(self, name: str, **arguments: object) -> None:
        """Give JupyterLab one of its commands, and do not wait for its end."""
        self.page.evaluate("([name, arguments]) => void window.jupyterapp.commands.execute(name, arguments)",
                           [name, arguments])  # fmt: skip

    def run_all(self) -> None:
        """Run all cells, and wait until the kernel is idle and no cell waits."""
        self.page.evaluate(probes.RUN_ALL)
        self.page.wait_for_function("() => window.ftlibRan === true", timeout=RUN_S * 1000, polling=500)
        self.settle()

    def settle(self, seconds: float = RUN_S) -> None:
        """Wait until the kernel is idle, no cell waits and nothing is still being drawn."""
        self.page.wait_for_function(probes.IDLE, timeout=seconds * 1000, polling=250)
        self.page.wait_for_timeout(400)

    def cells(self) -> list[dict]:
        """What each cell holds and shows, see `probes.CELLS`."""
        return self.page.evaluate(probes.CELLS)

    def cell(self, index: int) -> Locator:
        """A cell by its place, its outputs included."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def index(self, part: str, tag: str | None = None) -> int:
        """The place of the first code cell whose source holds ``part``."""
        return next(
            cell["index"] for cell in self.cells()
            if cell["type"] == "code" and part in cell["source"] and (tag is None or tag in cell["tags"])
        )  # fmt: skip

    def write_and_run(self, index: int, source: str) -> str:
        """Replace the text of a cell with the keyboard, run it, and return the text that it prints."""
        editor = self.cell(index).locator(".cm-content").first
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_timeout(300)
        self.settle()
        return self.cells()[index]["printed"]

    def theme(self, name: str) -> None:
        """Change the theme: ``"JupyterLab Dark"`` or ``"JupyterLab Light"``."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_selector(f"body[data-jp-theme-name='{name}']", state="attached")
        self.page.wait_for_timeout(800)

    def resize(self, width: int, height: int = 900) -> None:
        """Make the window this large, in pixels."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_timeout(600)

    def picture(self, label: str) -> Path:
        """Save a picture of the whole notebook to ``build/browser``."""
        size = self.page.viewport_size
        tall = self.page.evaluate(probes.HEIGHT)
        self.resize(size["width"], min(TALLEST, max(size["height"], tall + 160)))
        path = picture_path(f"{Path(self.name).stem}_{label}")
        self.page.screenshot(path=path)
        self.resize(**size)
        return path

    def close(self) -> None:
        """Close the page, and end its kernel."""
        self.page.close()
        self.server.end_kernels()


def in_browser(browser: Browser, server: Server, lesson: Lesson, **options: object) -> Notebook:
    """A lesson, opened and run."""
    notebook = Notebook(browser, server, lesson.path.name, **options)
    notebook.run_all()
    return notebook
