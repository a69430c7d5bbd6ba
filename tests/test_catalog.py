from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath

import pytest
from hub import environment, serve

from authoring import stamp
from authoring.__main__ import main as authoring_main
from ftlib import _sources, catalog, runtime
from ftlib.catalog import CatalogError

ROOT = Path(__file__).resolve().parent.parent
PYTHONPATH = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
REVISION = "0123456789abcdef0123456789abcdef01234567"
CONTENT = {"config.json": b'{"width": 8}\n', "sub/weights.bin": bytes(range(256)) * 4096}
DATA = '{ from = "data", path = "checkpoints/toy" }'
WHEEL = '{ from = "wheel", package = "toy-weights", path = "toy_weights/model" }'
HUB = f'{{ from = "hub", repo = "org/toy", revision = "{REVISION}" }}'


def write_files(folder: Path, content: dict[str, bytes] = CONTENT) -> Path:
    for name, body in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


def table(*sources: str, name: str = "toy", kind: str = "checkpoint") -> str:
    records = [
        f'  {{ path = "{path}", size = {len(body)}, sha256 = "{hashlib.sha256(body).hexdigest()}" }},'
        for path, body in CONTENT.items()
    ]
    return (
        f'[{name}]\nkind = "{kind}"\ntitle = "A toy"\nlicence = "CC0-1.0"\nfiles = [\n'
        + "\n".join(records)
        + f"\n]\nsources = [{', '.join(sources)}]\n"
    )


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder in place of the course's, in a process that has verified nothing yet."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setattr(catalog, "data_dir", lambda: folder)
    monkeypatch.setattr(catalog, "_announced", set())
    monkeypatch.setattr(_sources, "_verified", set())
    monkeypatch.setattr(runtime, "_profile", "small")
    return folder


@pytest.fixture
def toy(data):
    """The data folder with one shipped entry."""
    (data / "catalog.toml").write_text(table(DATA), encoding="utf-8")
    write_files(data / "checkpoints/toy")
    return data


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """An installed distribution ``toy-weights`` whose import would fail."""
    site = tmp_path / "site"
    write_files(site / "toy_weights/model")
    (site / "toy_weights/__init__.py").write_text("raise ImportError('never import a wheel of weights')")
    info = site / "toy_weights-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-weights\nVersion: 0.3\n")
    monkeypatch.syspath_prepend(str(site))
    return site / "toy_weights/model"


def refusal(*arguments, **options) -> str:
    """The one sentence with which ``catalog.path`` refuses."""
    with pytest.raises(CatalogError) as caught:
        catalog.path(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message and message[-1] in ".?"
    return message


# --- the shipped catalog


def test_data_dir_is_the_checkouts():
    assert catalog.data_dir() == ROOT / "data"


def test_data_dir_says_so_when_nothing_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "__file__", str(tmp_path / "ftlib/catalog.py"))
    with pytest.raises(CatalogError, match="install the course again"):
        catalog.data_dir()
    installed = tmp_path / "ftlib/_data"
    installed.mkdir(parents=True)
    (installed / "catalog.toml").write_text("")
    assert catalog.data_dir() == installed.resolve()


SOURCES = {"data": {"path"}, "wheel": {"package", "path"}, "hub": {"repo", "revision"}}


def faults(entry: catalog.Entry) -> list[str]:
    """What is wrong with an entry of the catalog."""
    found = [] if entry.kind in catalog.KINDS else [f"its kind is {entry.kind!r}"]
    found += [f"no {key}" for key in ("title", "licence", "files", "sources") if not getattr(entry, key)]
    for file in entry.files:
        if PurePosixPath(file.path).is_absolute() or set("\\:") & set(file.path) or ".." in file.path.split("/"):
            found.append(f"{file.path} is no relative path")
        if not (isinstance(file.size, int) and file.size >= 0 and re.fullmatch("[0-9a-f]{64}", file.sha256)):
            found.append(f"{file.path} is not stamped")
    for source in entry.sources:
        given = {key for key, value in vars(source).items() if value and key != "origin"}
        if source.origin not in SOURCES or given - {"path"} != SOURCES[source.origin] - {"path"}:
            found.append(f"a source from {source.origin!r} with {sorted(given)}")
        if source.origin == "hub" and not re.fullmatch("[0-9a-f]{40}", source.revision):
            found.append("a revision is no commit")
        if source.origin == "data" and (not source.path or ".." in source.path.split("/")):
            found.append(f"{source.path!r} is no folder in data")
    return found


def test_the_real_catalog_is_well_formed():
    assert "glyph-resnet10" in catalog.names("checkpoint")
    assert {name: found for name in catalog.names() if (found := faults(catalog.entry(name)))} == {}


def test_the_rule_on_entries_itself():
    file, digest = catalog.File("../x", -1, ""), catalog.File("C:/x", 1, "0" * 64)
    hub = catalog.Source("hub", repo="a/b", revision="main")
    sources = (catalog.Source("ftp"), hub, catalog.Source("data", "../x"))
    assert faults(catalog.Entry("toy", "model", "", "MIT", (file, digest), sources)) == [
        "its kind is 'model'", "no title", "../x is no relative path", "../x is not stamped",
        "C:/x is no relative path",
        "a source from 'ftp' with []", "a revision is no commit", "'../x' is no folder in data",
    ]  # fmt: skip


SHIPPED = [
    name for name in catalog.names() if any(each.origin == "data" for each in catalog.entry(name).sources)
]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_entry_verifies_and_lists_all_its_files(name):
    folder = catalog.path(name, verbose=False)
    assert ROOT / "data" in folder.parents
    present = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
    assert present == {each.path for each in catalog.entry(name).files}


# --- entries


def test_entry_and_names(data):
    text = table(DATA, HUB) + table(WHEEL, name="'my set'", kind="dataset")
    (data / "catalog.toml").write_text(text, encoding="utf-8")
    assert catalog.names() == ["toy", "my set"]
    assert catalog.names("dataset") == ["my set"]
    found = catalog.entry("toy")
    assert (found.kind, found.title, found.licence, found.url) == ("checkpoint", "A toy", "CC0-1.0", "")
    assert [each.path for each in found.files] == list(CONTENT)
    assert found.sources == (
        catalog.Source("data", path="checkpoints/toy"),
        catalog.Source("hub", repo="org/toy", revision=REVISION),
    )
    with pytest.raises(AttributeError):
        found.title = "changed"
    with pytest.raises(CatalogError, match="There is no kind 'model'"):
        catalog.names("model")


def test_an_unknown_name_suggests_the_nearest(toy):
    assert refusal("toyy").endswith("did you mean 'toy'?")
    assert "choose one of toy" in refusal("resnet-50")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('licence = "CC0-1.0"\n', "", "entry 'toy' is malformed: .*licence"),
        ('title = "A toy"', 'title = "A toy"\nlicense = "MIT"', "entry 'toy' is malformed: .*license"),
        ("size = 13, ", "", "entry 'toy' is malformed: .*size"),
        (f"sources = [{DATA}]", 'sources = ["data"]', "entry 'toy' is malformed"),
        ("kind =", "kind = =", "cannot be read: .*line 2"),
    ],
)
def test_a_malformed_entry_is_named(toy, old, new, expected):
    text = (toy / "catalog.toml").read_text(encoding="utf-8")
    assert old in text
    (toy / "catalog.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    assert re.search(expected, refusal("toy"))


def test_a_catalog_that_is_no_text_or_no_tables(data):
    (data / "catalog.toml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refusal("toy")
    (data / "catalog.toml").write_text("toy = 3")
    assert "entry 'toy' is malformed" in refusal("toy")


# --- shipped data


def test_path_gives_verified_files_and_says_once_where_from(toy, capsys):
    assert catalog.path("toy", verbose=False) == toy / "checkpoints/toy"
    assert capsys.readouterr().out == ""
    assert catalog.path("toy", "sub/weights.bin").read_bytes() == CONTENT["sub/weights.bin"]
    assert capsys.readouterr().out == "toy: shipped with the course\n"
    catalog.path("toy")
    assert capsys.readouterr().out == ""


def test_a_file_that_the_entry_does_not_list(toy):
    message = refusal("toy", "model.bin")
    assert message == "'toy' has no file 'model.bin': choose one of config.json, sub/weights.bin."


def test_wrong_hash(toy):
    (toy / "checkpoints/toy/config.json").write_bytes(b'{"width": 9}\n')
    message = refusal("toy")
    assert "'config.json'" in message and "does not match the recorded sha256" in message and "git" in message


def test_truncated_file(toy):
    weights = toy / "checkpoints/toy/sub/weights.bin"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert re.search(r"'sub/weights.bin' in .* is 1000 bytes long, not 1048576 as recorded", refusal("toy"))
    assert catalog.path("toy", "config.json").exists(), "the other file is whole"


def test_missing_file_and_missing_folder(toy):
    (toy / "checkpoints/toy/sub/weights.bin").unlink()
    assert "'sub/weights.bin' is missing in" in refusal("toy")
    (toy / "checkpoints/toy").rename(toy / "checkpoints/moved")
    assert "'config.json' is missing in" in refusal("toy")


def test_unreadable_file(toy, monkeypatch):
    def denied(file):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(_sources, "sha256", denied)
    assert "'config.json' in" in refusal("toy") and "cannot be read: Permission denied" in refusal("toy")


def test_a_file_is_hashed_once_until_it_changes(toy, monkeypatch):
    hashed = []
    honest = _sources.sha256
    monkeypatch.setattr(_sources, "sha256", lambda file: hashed.append(file.name) or honest(file))
    catalog.path("toy")
    catalog.path("toy")
    assert hashed == ["config.json", "weights.bin"]
    config = toy / "checkpoints/toy/config.json"
    config.write_bytes(b'{"width": 7}\n')
    os.utime(config, ns=(1, 1))
    assert "does not match" in refusal("toy")


# --- an installed wheel


def test_a_wheel_is_found_without_importing_it(data, wheel, capsys):
    (data / "catalog.toml").write_text(table(DATA, WHEEL))
    assert catalog.path("toy") == wheel.resolve()
    assert capsys.readouterr().out == "toy: from the installed wheel toy-weights 0.3\n"
    assert "toy_weights" not in sys.modules


def test_a_damaged_copy_is_passed_over_and_mentioned(toy, wheel, capsys):
    (toy / "catalog.toml").write_text(table(DATA, WHEEL))
    (toy / "checkpoints/toy/config.json").write_bytes(b"{}")
    assert catalog.path("toy") == wheel.resolve()
    assert "from the installed wheel toy-weights 0.3 (passed over: 'config.json'" in capsys.readouterr().out


def test_a_wheel_that_is_not_installed_names_the_command(data):
    (data / "catalog.toml").write_text(table(WHEEL))
    assert refusal("toy") == "'toy' cannot be loaded: its wheel is not installed (pip install toy-weights)."


def test_a_wheel_with_other_content_is_refused(data, wheel):
    (data / "catalog.toml").write_text(table(WHEEL))
    (wheel / "config.json").write_bytes(b'{"width": 0}\n')
    message = refusal("toy")
    assert "does not match the recorded sha256" in message
    assert "pip install --force-reinstall --no-deps toy-weights" in message


def test_several_failures_are_all_told(data):
    (data / "catalog.toml").write_text(table(DATA, WHEEL))
    message = refusal("toy")
    assert "cannot be loaded from any of its sources: 'config.json' is missing in" in message
    assert "; its wheel is not installed" in message


# --- the hub: a small server on loopback, the real client in a process of its own


@pytest.fixture
def hub(data):
    (data / "catalog.toml").write_text(table(HUB))
    with serve({"org/toy": dict(CONTENT), "datasets/org/toy": dict(CONTENT)}, REVISION) as server:
        yield server


CLIENT = """
import pathlib, sys
from ftlib import catalog
catalog.data_dir = lambda: pathlib.Path(sys.argv[1])
try:
    print("FOLDER", catalog.path("toy"))
except catalog.CatalogError as error:
    print("ERROR", error)
"""


# the course itself must notice that nobody answers, without the client's waiting between its retries
IMPATIENCE_IS_OURS = "import time\ndef no(seconds): raise SystemExit('waited')\ntime.sleep = no\n"
IMPATIENT = "import time; time.sleep = lambda seconds: None\n"  # the client waits between its retries


def start(data: Path, endpoint: str, prelude: str = "", **variables: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", prelude + CLIENT, str(data)], env=environment(data / "cache", endpoint, **variables),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def ask(data: Path, hub, **variables: str) -> str:
    """What a new process prints when it asks the catalog for ``toy``."""
    output, _ = start(data, hub.address, **variables).communicate(timeout=300)
    return output


def folder_in(output: str) -> Path:
    return Path(re.search(r"^FOLDER (.+)$", output, re.MULTILINE)[1])


def assert_whole(folder: Path) -> None:
    assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT


def partial_files(data: Path) -> list[Path]:
    """Files in the cache under a final name that are not whole."""
    whole = {hashlib.sha256(body).hexdigest() for body in CONTENT.values()}
    found = [each for each in (data / "cache").rglob("*") if each.is_file() and each.suffix != ".incomplete"]
    return [
        each
        for each in found
        if {"snapshots", "blobs"} & set(each.parts)
        and hashlib.sha256(each.read_bytes()).hexdigest() not in whole
    ]


def test_hub_download_then_offline_from_its_cache(data, hub):
    output = ask(data, hub)
    assert "toy: from the hub, org/toy at 0123456\n" in output
    assert_whole(folder_in(output))
    assert sorted(hub.asked) == sorted(CONTENT)
    for variables in ({"HF_HUB_OFFLINE": "1"}, {"FTLIB_PROFILE": "small"}):
        assert folder_in(ask(data, hub, **variables)) == folder_in(output)
    assert len(hub.asked) == len(CONTENT), "the cache was used"


def test_hub_serves_data_sets_from_a_subfolder(data, hub):
    source = HUB.replace(" }", ', path = "v2" }')
    (data / "catalog.toml").write_text(table(source, kind="dataset"))
    hub.content["datasets/org/toy"] = {f"v2/{name}": body for name, body in CONTENT.items()}
    assert_whole(folder_in(ask(data, hub)))


def test_hub_offline_variable(data, hub):
    output = ask(data, hub, HF_HUB_OFFLINE="1")
    assert "'config.json' of 'org/toy' is not in the hub's cache, and HF_HUB_OFFLINE=1 forbids" in output
    assert hub.asked == []


def test_the_small_profile_asks_the_hub_only_as_the_last_resort(data, hub):
    assert_whole(folder_in(ask(data, hub, FTLIB_PROFILE="small")))
    (data / "catalog.toml").write_text(table(WHEEL, HUB.replace("org/toy", "org/other")))
    output = ask(data, hub, FTLIB_PROFILE="small")
    assert "pip install toy-weights" in output and "the small profile downloads nothing" in output


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("org/toy", "org/tyo", "the hub has no public repository 'org/tyo'"),
        (REVISION, "f" * 40, f"repository 'org/toy' has no revision {'f' * 40}"),
        ('"config.json"', '"settings.json"', "has no file 'settings.json' at revision 0123456"),
    ],
)
def test_hub_has_no_such_repository_revision_or_file(data, hub, old, new, expected):
    (data / "catalog.toml").write_text(table(HUB).replace(old, new))
    output = ask(data, hub)
    assert output.startswith("ERROR 'toy' cannot be loaded: ") and expected in output


def test_hub_in_trouble(data, hub):
    hub.fault = "server error"
    assert "the hub cannot be reached for 'org/toy'" in ask(data, hub, prelude=IMPATIENT)


def test_hub_content_that_does_not_match_is_refused(data, hub):
    hub.content["org/toy"]["config.json"] = b'{"width": 1}\n'
    output = ask(data, hub)
    assert "does not match the recorded sha256" in output and "the hub's copy differs" in output
    assert "FOLDER" not in output


def test_a_damaged_cache_is_mended(data, hub):
    folder = folder_in(ask(data, hub))
    weights = (folder / "sub/weights.bin").resolve()
    weights.write_bytes(weights.read_bytes()[:5000])
    offline = ask(data, hub, HF_HUB_OFFLINE="1")
    assert "is 5000 bytes long" in offline and "delete this folder" in offline
    assert_whole(folder_in(ask(data, hub)))


def test_a_download_cut_in_half_leaves_nothing_and_the_next_succeeds(data, hub):
    hub.fault = "cut"
    output = ask(data, hub)
    assert "'sub/weights.bin' from 'org/toy' broke off" in output and "(try again)" in output
    assert partial_files(data) == []
    hub.fault = ""
    assert_whole(folder_in(ask(data, hub)))


def test_a_process_killed_halfway_leaves_nothing_and_the_next_succeeds(data, hub):
    hub.fault = "stall"
    process = start(data, hub.address)
    assert hub.half_sent.wait(30)
    time.sleep(0.1)
    process.kill()
    output, _ = process.communicate(timeout=30)
    assert output == "" and partial_files(data) == []
    hub.fault = ""
    assert_whole(folder_in(ask(data, hub)))


# --- the hub's client replaced: failures that need a broken machine


@pytest.fixture
def client_fails(data, monkeypatch):
    import huggingface_hub.constants

    (data / "catalog.toml").write_text(table(HUB))
    monkeypatch.setattr(runtime, "_profile", "full")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", "/some/cache")

    def with_error(error: Exception) -> str:
        def download(*arguments, **options):
            raise error

        monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
        return refusal("toy")

    return with_error


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR])
def test_read_only_cache(client_fails, number):
    message = client_fails(OSError(number, os.strerror(number)))
    assert "the hub's cache /some/cache cannot be written (set HF_HOME" in message


def test_full_disk(client_fails):
    message = client_fails(OSError(errno.ENOSPC, "No space left on device"))
    assert "the disk with the hub's cache /some/cache is full (free 1 MB" in message


def test_no_network(client_fails):
    from huggingface_hub.errors import LocalEntryNotFoundError

    message = client_fails(LocalEntryNotFoundError("An error happened while trying to locate the file"))
    assert message.endswith("the hub cannot be reached for 'org/toy' (check the network, then try again).")


def test_no_network_with_the_real_client(data):
    (data / "catalog.toml").write_text(table(HUB))
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        process = start(data, f"http://127.0.0.1:{taken.getsockname()[1]}", IMPATIENCE_IS_OURS)
        output, _ = process.communicate(timeout=300)
    assert output.startswith("ERROR 'toy' cannot be loaded: the hub cannot be reached for 'org/toy'")


def test_any_other_failure_is_still_one_sentence(client_fails):
    assert "broke off with TimeoutError (try again)" in client_fails(TimeoutError("slow\nnetwork"))


# --- stamp


UNSTAMPED = """# A comment with a table in it: [toy]
[other]
kind = "dataset"
title = "Another"
licence = "CC0-1.0"
files = [{ path = "config.json", size = 0, sha256 = "" }]
sources = [{ from = "data", path = "other" }]

[toy]  # kept
kind = "checkpoint"
title = "Naïve"
licence = "CC0-1.0"
files = [
  { path = "config.json", size = 0, sha256 = "" },  # the shape
  { path = "sub/weights.bin", size = 0, sha256 = "" },
]
sources = [{ from = "data", path = "checkpoints/toy" }]
"""


@pytest.fixture
def unstamped(toy):
    (toy / "catalog.toml").write_bytes(UNSTAMPED.encode())
    return toy


def test_an_unstamped_entry_says_what_to_run(unstamped):
    assert "python -m authoring stamp toy" in refusal("toy")


def test_stamp_rewrites_only_size_and_hash(unstamped):
    assert stamp.stamp("toy") == 2
    text = (unstamped / "catalog.toml").read_bytes().decode()
    weights = CONTENT["sub/weights.bin"]
    assert f'size = {len(weights)}, sha256 = "{hashlib.sha256(weights).hexdigest()}"' in text
    before, after = UNSTAMPED.splitlines(), text.splitlines()
    assert [old for old, new in zip(before, after, strict=True) if old != new] == before[13:15]
    assert after[13].endswith("  # the shape")
    assert_whole(catalog.path("toy"))
    assert stamp.stamp("toy") == 0
    assert sorted(each.name for each in unstamped.iterdir()) == ["catalog.toml", "checkpoints"]


def test_stamp_keeps_the_old_catalog_when_writing_fails(unstamped, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        stamp.stamp("toy")
    assert (unstamped / "catalog.toml").read_text(encoding="utf-8") == UNSTAMPED
    assert sorted(each.name for each in unstamped.iterdir()) == ["catalog.toml", "checkpoints"]


def test_stamp_refuses_what_it_cannot_do(unstamped):
    with pytest.raises(CatalogError, match="'config.json' is missing in"):
        stamp.stamp("other")
    text = UNSTAMPED.replace('{ path = "config.json", size = 0,', '{ size = 0, path = "config.json",')
    (unstamped / "catalog.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match="write its files as"):
        stamp.stamp("toy")
    assert (unstamped / "catalog.toml").read_text(encoding="utf-8") == text
    (unstamped / "catalog.toml").write_text(table(WHEEL))
    with pytest.raises(CatalogError, match="not shipped in the data folder"):
        stamp.stamp("toy")


def test_the_stamp_command(unstamped, capsys):
    assert authoring_main(["stamp", "toy"]) == 0
    assert capsys.readouterr().out == "toy: 2 of 2 records changed.\n"
    assert authoring_main(["stamp", "tyo"]) == 1
    assert "did you mean 'toy'?" in capsys.readouterr().err


def test_import_stays_light():
    code = "import sys, ftlib.catalog; print({'torch', 'huggingface_hub'} & sys.modules.keys())"
    environment = os.environ | {"PYTHONPATH": PYTHONPATH}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout == "set()\n"
