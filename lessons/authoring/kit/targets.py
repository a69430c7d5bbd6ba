"""The machines a kit is for: one of four platforms with a version of Python."""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from itertools import product

from packaging.specifiers import SpecifierSet

from authoring import AuthoringError

# by short name: the newest platform tag of wheels that runs there, and what uv calls the platform
PLATFORMS = {
    "linux": ("manylinux_2_28_x86_64", "x86_64-manylinux_2_28"),
    "linux-arm": ("manylinux_2_28_aarch64", "aarch64-manylinux_2_28"),
    "mac": ("macosx_13_0_arm64", "aarch64-apple-darwin"),
    "windows": ("win_amd64", "x86_64-pc-windows-msvc"),
}
HERE = {
    ("linux", "x86_64"): "linux", ("linux", "aarch64"): "linux-arm", ("darwin", "arm64"): "mac",
    ("win32", "amd64"): "windows",
}  # fmt: skip


class KitError(AuthoringError):
    """The kit cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """One kind of machine, such as ``Target("windows", "3.11")``.

    Attributes:
        name: one of `PLATFORMS`.
        python: major and minor version.
    """

    name: str
    python: str

    def __str__(self) -> str:
        return f"{PLATFORMS[self.name][0]} with Python {self.python}"

    @property
    def is_linux(self) -> bool:
        """Whether torch comes with CUDA here unless its CPU build is asked for."""
        return self.name.startswith("linux")

    @property
    def uv_name(self) -> str:
        """What ``uv --python-platform`` calls this platform."""
        return PLATFORMS[self.name][1]

    def tags(self) -> list[str]:
        """The platform tags that pip is told; those of older macOS it knows itself, those of older Linux it does not.

        >>> Target("linux", "3.11").tags()[:2], Target("windows", "3.11").tags()
        (['manylinux_2_28_x86_64', 'manylinux_2_27_x86_64'], ['win_amd64'])
        """
        newest = PLATFORMS[self.name][0]
        if not self.is_linux:
            return [newest]
        machine = newest.removeprefix("manylinux_2_28_")
        return [*(f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)),
                *(f"manylinux{year}_{machine}" for year in (2014, 2010, 1)), f"linux_{machine}"]  # fmt: skip


def targets(platforms: list[str], pythons: list[str], allowed: str) -> list[Target]:
    """Every platform with every Python; without any, those of this machine.

    Args:
        platforms: names of `PLATFORMS`.
        pythons: such as "3.11".
        allowed: the course's ``requires-python``.

    Raises:
        KitError: a platform or a version that the course does not know.
    """
    machine = (sys.platform, platform.machine().lower())
    names = platforms or [HERE.get(machine, " ".join(machine))]
    versions = pythons or ["{}.{}".format(*sys.version_info)]
    for name in names:
        if name not in PLATFORMS:
            raise KitError(f"{name!r} is no platform that a kit can be made for: write {', '.join(PLATFORMS)}.")
    for version in versions:
        if not re.fullmatch(r"3\.\d+", version) or version not in SpecifierSet(allowed):
            raise KitError(f"Python {version!r} does not suit the course: write versions such as 3.11, in {allowed}.")
    return [Target(*pair) for pair in dict.fromkeys(product(names, versions))]
