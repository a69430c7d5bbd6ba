"""A lesson's own experiment is run, recorded and read back."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.dummy
from types import SimpleNamespace

import pytest

from authoring import record
from ftlib import catalog, results

TOY = SimpleNamespace(
    __name__="ftlessons.lesson03.studies.toy",
    jobs=lambda: [("a", 1), ("b", 2)],
    one=lambda name, n: {"name": name, "n": n * n},
)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "data_dir", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalog.toml").write_text("")
    monkeypatch.setattr(record, "_studies", lambda: {"toy": "ftlessons.lesson03.studies.toy"})
    monkeypatch.setattr(record, "import_module", lambda name: TOY)
    get_context = multiprocessing.get_context  # threads in place of processes
    in_threads = {"spawn": multiprocessing.dummy}
    monkeypatch.setattr(multiprocessing, "get_context", lambda kind=None: in_threads.get(kind) or get_context(kind))
    return tmp_path


def test_a_study_is_recorded_and_read_back(toy):
    recorded = record.record_study("toy")
    assert recorded.n.tolist() == [1, 4]
    assert results.study("toy").equals(recorded)
    content = json.loads((toy / "results" / "toy.json").read_text())
    assert content["lesson"] == "03" and "torch" in content["versions"]


def test_an_unknown_or_unrecorded_study_is_refused_in_one_sentence(toy):
    with pytest.raises(ValueError, match="choose from toy"):
        record.study("tox")
    with pytest.raises(FileNotFoundError, match="run `python -m authoring results toy`"):
        results.study("toy")


@pytest.mark.parametrize("name", record.names())
def test_each_study_is_on_record_for_its_present_jobs(name):
    assert len(results.study(name)) == len(record.study(name).jobs())
