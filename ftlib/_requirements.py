"""What the course asks of its environment, and what is installed: for `ftlib.doctor`.

pyproject.toml says which versions may be used, constraints.txt which ones were tested. An installed wheel
carries the first in its metadata and the second in ``ftlib/_data``.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "_data"


def requirements() -> dict[str, list[Requirement]]:
    """What the course needs, by extra ("" is the base), from pyproject.toml or else from the installed wheel."""
    import tomllib

    from packaging.requirements import Requirement

    def applies(one: Requirement, extra: str) -> bool:
        return one.name != "ftlib" and (one.marker is None or one.marker.evaluate({"extra": extra}))

    project = ROOT / "pyproject.toml"
    if project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        lines = {"": table["dependencies"], **table.get("optional-dependencies", {})}
        groups = {extra: [Requirement(line) for line in group] for extra, group in lines.items()}
        return {extra: [one for one in group if applies(one, extra)] for extra, group in groups.items()}
    everything = [Requirement(line) for line in importlib.metadata.requires("ftlib") or ()]
    base = [one for one in everything if applies(one, "")]
    rest = [one for one in everything if one not in base]
    extras = importlib.metadata.metadata("ftlib").get_all("Provides-Extra") or ()
    return {"": base, **{extra: [one for one in rest if applies(one, extra)] for extra in extras}}


def pinned_versions() -> dict[str, str]:
    """The version of each package that the course was tested with here, by its normal name."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    file = next((file for file in (DATA / "constraints.txt", ROOT / "constraints.txt") if file.is_file()), None)
    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    pins = [Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}


def version(package: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def unfit(needed: Sequence[Requirement]) -> Iterator[str]:
    """Say which of these packages are missing, or have a version outside their range."""
    for one in needed:
        installed = version(one.name)
        if installed is None:
            yield f"{one.name} is missing"
        elif not one.specifier.contains(installed, prereleases=True):
            yield f"{one.name} is {installed}, but the course needs {one.specifier}"


def untested(needed: Sequence[Requirement]) -> Iterator[str]:
    """Say which of these packages are installed in another version than the tested one."""
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    tested = pinned_versions()
    for one in needed:
        installed, pin = version(one.name), tested.get(canonicalize_name(one.name))
        if installed and pin and Version(installed).public != pin:  # 2.11.0+cpu is 2.11.0
            yield f"{one.name} is {installed}, tested with {pin}"
