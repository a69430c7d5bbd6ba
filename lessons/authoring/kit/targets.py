"""The machines a kit is for: a platform, named as wheels name it, and a version of Python."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from itertools import product

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, platform_tags
from packaging.utils import parse_wheel_filename

SHORT = {
    "linux": "manylinux_2_28_x86_64",
    "linux-arm": "manylinux_2_28_aarch64",
    "mac": "macosx_13_0_arm64",
    "windows": "win_amd64",
}
OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
LINUX = re.compile(r"(?:manylinux_2_(\d+)|manylinux(2014)|(musllinux_1_\d+))_(x86_64|aarch64)")
MAC = re.compile(r"macosx_(\d+)_(\d+)_(arm64|x86_64)")
WINDOWS = {"win_amd64": "x86_64-pc-windows-msvc", "win_arm64": "aarch64-pc-windows-msvc"}
UV_GLIBC = (17, 28, *range(31, 41))  # the versions that uv has names for


class KitError(RuntimeError):
    """The kit cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """One kind of machine, such as ``Target("win_amd64", "3.11")``.

    Attributes:
        platform: a platform tag of wheels.
        python: major and minor version.
    """

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform} with Python {self.python}"

    @property
    def is_linux(self) -> bool:
        """Whether torch comes with CUDA here unless its CPU build is asked for."""
        return bool(LINUX.fullmatch(self.platform))

    def platforms(self) -> list[str]:
        """The platform tags of all wheels that run here, the best first.

        >>> Target("win_amd64", "3.11").platforms()
        ['win_amd64']
        """
        if found := MAC.fullmatch(self.platform):
            return list(mac_platforms((int(found[1]), int(found[2])), found[3]))
        found = LINUX.fullmatch(self.platform)
        if not found or found[3]:
            return [self.platform]
        tags = []
        for minor in range(int(found[1] or 17), 4, -1):
            tags.append(f"manylinux_2_{minor}_{found[4]}")
            tags += [f"{OLD_NAMES[minor]}_{found[4]}"] if minor in OLD_NAMES else []
        return [*tags, f"linux_{found[4]}"]

    def uv_name(self) -> str:
        """What ``uv --python-platform`` calls this platform."""
        if self.platform in WINDOWS:
            return WINDOWS[self.platform]
        if found := MAC.fullmatch(self.platform):
            return f"{'aarch64' if found[3] == 'arm64' else 'x86_64'}-apple-darwin"
        found = LINUX.fullmatch(self.platform)
        if found[3]:
            return f"{found[4]}-unknown-linux-musl"
        minor = int(found[1] or 17)
        return f"{found[4]}-manylinux_2_{max(known for known in UV_GLIBC if known <= minor)}"

    def uv_environment(self) -> dict[str, str]:
        """What uv must be told beside the name: the oldest macOS."""
        found = MAC.fullmatch(self.platform)
        return {"MACOSX_DEPLOYMENT_TARGET": f"{found[1]}.{found[2]}"} if found else {}

    def takes(self, wheel: str) -> bool:
        """Whether a wheel of this file name can be installed here.

        >>> Target("win_amd64", "3.11").takes("numpy-2.4.6-cp311-cp311-win_amd64.whl")
        True
        """
        return not self._tags().isdisjoint(parse_wheel_filename(wheel)[3])

    def _tags(self) -> set[Tag]:
        version, cpython = _numbers(self.python), f"cp{self.python.replace('.', '')}"
        platforms = self.platforms()
        return {*cpython_tags(version, [cpython], platforms), *compatible_tags(version, cpython, platforms)}


def targets(platforms: list[str], pythons: list[str], allowed: str) -> list[Target]:
    """Every platform with every Python; without any, those of this machine.

    Args:
        platforms: short names (`SHORT`) or platform tags.
        pythons: such as "3.11".
        allowed: the course's ``requires-python``.

    Raises:
        KitError: a platform or a version that the course does not know.
    """
    asked = [_platform(name) for name in platforms] or [_here()]
    versions = pythons or ["{}.{}".format(*sys.version_info)]
    for version in versions:
        if not re.fullmatch(r"3\.\d+", version) or version not in SpecifierSet(allowed):
            raise KitError(f"Python {version!r} does not suit the course: write versions such as 3.11, in {allowed}.")
    return [Target(*pair) for pair in dict.fromkeys(product(asked, versions))]


def _here() -> str:
    """This machine's newest tag that says which C library it has; packaging may put a plain ``linux_x86_64`` first."""
    found = list(platform_tags())
    return next((tag for tag in found if _is_known(tag)), found[0])


def _is_known(tag: str) -> bool:
    return tag in WINDOWS or bool(MAC.fullmatch(tag) or LINUX.fullmatch(tag))


def _platform(name: str) -> str:
    tag = SHORT.get(name, name)
    known = _is_known(tag)
    minor = LINUX.fullmatch(tag) and LINUX.fullmatch(tag)[1]
    if not known or (minor and int(minor) < min(UV_GLIBC)):
        raise KitError(
            f"{name!r} is no platform that a kit can be made for: write {', '.join(SHORT)}, or a wheel's "
            "platform tag such as manylinux_2_28_x86_64, macosx_14_0_arm64 or win_amd64."
        )
    return tag


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)
