"""The README that lies in a kit."""

from __future__ import annotations

from typing import Any

GB = 10**9

README = """\
# The course in one folder

Everything that the lessons need is here: the course, the packages, and what starts them. No network is needed.

This folder takes {size:.1f} GB. The installed packages take about {installed:.1f} GB more.

Made for:

{targets}

{torch}

## Start

Copy the whole folder to your own disk first (on Windows close to the top, such as `C:\\course`: long paths can fail). \
Then, in a terminal in this folder:

| system | type |
|---|---|
| Linux, macOS | `sh start.sh` |
| Windows | `start.bat` |

The first start compares all files with `SHA256SUMS`, makes an environment in `course/.venv` from the wheels alone, \
and opens JupyterLab; that takes a few minutes. Later starts take seconds. Your own copies of the lessons are in \
`course/work`; to take them home, take that folder.

- `sh start.sh --check` only compares the files. `sha256sum -c SHA256SUMS` does the same.
- `sh start.sh --install` installs without opening JupyterLab, to prepare machines the evening before.
- After the first start `make lab`, in the folder `course`, works as well.

You need Python {pythons}. It is not in this folder: if a laptop may lack it, bring the installer from python.org.

## A room of mixed laptops

Make the kit where there is a network, in a checkout of the course, with every system and Python that may turn up:

    make kit PLATFORMS="linux mac windows" PYTHONS="3.11 3.12 3.13"

`linux-arm` is there too, and so is any platform tag of wheels, such as `macosx_14_0_arm64`. What several systems \
share is stored once. Macs with Intel processors cannot take part: torch has no wheels for them any more. Copy the \
folder to a few sticks (exFAT does), or share it from one laptop over the room's own wifi: `python -m http.server` \
needs no internet.
"""
CPU = "torch {version} is its CPU build: small, and all that the lessons need."
CUDA = (
    "torch on Linux is the usual build, which brings CUDA: the index of the CPU builds was out of reach when this kit "
    "was made. Made where that index can be reached, the kit is gigabytes smaller."
)


def readme(about: dict[str, Any]) -> str:
    """What somebody needs to know who opens a kit's folder.

    Args:
        about: the content of ``kit.json``.
    """
    return README.format(
        size=about["bytes"] / GB,
        installed=about["installed_bytes"] / GB,
        targets="\n".join(f"- {target}" for target in about["targets"]),
        torch=_torch(about["torch"]),
        pythons=" or ".join(about["pythons"]),
    )


def _torch(versions: dict[str, str]) -> str:
    linux = {target: version for target, version in versions.items() if "linux" in target}
    if any("+cpu" not in version for version in linux.values()):
        return CUDA
    return CPU.format(version=" or ".join(dict.fromkeys(versions.values()))) if versions else ""
