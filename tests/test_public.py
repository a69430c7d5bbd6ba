"""Public data and models from a hub on loopback, with the real clients, each scene in a process of its own."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys

import pandas as pd
import pytest
from hub import environment, serve

from ftlessons.lesson09 import public
from ftlessons.lesson09.public import SETS, PublicTexts, public_texts
from ftlib import catalog, runtime

SST2, TWEETS = SETS["sst2"], SETS["twitter_finance"]
BERT = catalog.entry("bert-base-uncased").sources[0]
MINILM = next(source for source in catalog.entry("minilm").sources if source.origin == "hub")
SST2_CARD = """---
configs:
- config_name: default
  data_files:
  - {split: train, path: data/train-*}
  - {split: validation, path: data/validation-*}
---
"""
# google-bert/bert-base-uncased's config.json, byte for byte
BERT_CONFIG = {
    "architectures": ["BertForMaskedLM"], "attention_probs_dropout_prob": 0.1, "gradient_checkpointing": False,
    "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 768, "initializer_range": 0.02,
    "intermediate_size": 3072, "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert",
    "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 0, "position_embedding_type": "absolute",
    "transformers_version": "4.6.0.dev0", "type_vocab_size": 2, "use_cache": True, "vocab_size": 30522,
}  # fmt: skip


def phrases(n: int, start: int = 0) -> pd.DataFrame:
    rows = [(i, f"a {'grim' if i % 2 else 'lovely'} film number {i} ", 1 - i % 2) for i in range(start, start + n)]
    return pd.DataFrame(rows, columns=["idx", "sentence", "label"])


def parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def tweets(n: int) -> bytes:
    rows = [(f"$ABC, quarter {i}: margins {('fall', 'rise', 'reported')[i % 3]}", i % 3) for i in range(n)]
    return pd.DataFrame(rows, columns=["text", "label"]).to_csv(index=False).encode()


@pytest.fixture
def hub():
    train = pd.concat([phrases(100), phrases(3), phrases(2, start=900)])  # 3 repeated, 2 of the validation split
    content = {
        f"datasets/{SST2.repo}": {
            "README.md": SST2_CARD.encode(),
            "data/train-00000-of-00001.parquet": parquet(train),
            "data/validation-00000-of-00001.parquet": parquet(phrases(30, start=900)),
        },
        f"datasets/{TWEETS.repo}": {
            "README.md": b"---\nlicense: mit\n---\n", "sent_train.csv": tweets(90), "sent_valid.csv": tweets(12),
        },
        BERT.repo: {"config.json": json.dumps(BERT_CONFIG, indent=2).encode() + b"\n"},
        MINILM.repo: {file.path: b"\0" * file.size for file in catalog.entry("minilm").files if file.size < 1000},
    }  # fmt: skip
    commits = {f"datasets/{SST2.repo}": SST2.revision, BERT.repo: BERT.revision, MINILM.repo: MINILM.revision}
    with serve(content, commits | {f"datasets/{TWEETS.repo}": "c" * 40}) as server:
        yield server


ONLINE = """
import hashlib, importlib.metadata, json, os, urllib.request
import torch
from ftlib import catalog, tasks
from ftlessons.lesson09.public import public_texts
from ftlib.tasks.text import Reviews

def attempt(make):
    try:
        return make()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

said = {"cut": attempt(lambda: public_texts("sst2"))}
urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/mend")
for name in ("sst2", "twitter_finance"):
    task = public_texts(name)
    told = {"splits": task.items.split.value_counts().to_dict(), "classes": task.classes, "metric": task.metric}
    said[name] = told | {"like": task.settings_like, "rows": task.items.to_dict("records")}

def no_wheel(package):
    raise importlib.metadata.PackageNotFoundError(package)

importlib.metadata.distribution, kept = no_wheel, importlib.metadata.distribution
said["minilm"] = attempt(lambda: catalog.path("minilm", "config.json"))
importlib.metadata.distribution = kept

task = Reviews(backbone="bert-base-uncased")
model = task.untrained(0).train()
batch = task.collate([("bad", torch.tensor(0)), ("a good one", torch.tensor(1))])
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loss = task.loss(model, batch)
loss.backward()
optimizer.step()
sizes = sum(p.numel() for p in model.parameters()), len(model.bert.encoder.layer), task.top_stages
said["bert"] = [loss.item(), all(p.grad is not None for p in model.parameters()), *sizes]
print(json.dumps(said))
"""


def run(script: str, cache, endpoint: str, **variables: str) -> dict:
    """What a new process prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(cache, endpoint, OMP_NUM_THREADS="1", **variables),
        capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


OFFLINE = """
import json, time
from huggingface_hub import constants
from ftlessons.lesson09.public import public_texts
found = {}
for name in ("sst2", "twitter_finance"):
    constants.HF_HUB_OFFLINE = False
    started = time.perf_counter()
    try:
        found[name] = len(public_texts(name).items)
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
    found[f"seconds {name}"] = time.perf_counter() - started
    constants.HF_HUB_OFFLINE = True
    try:
        found[f"told to stay offline, {name}"] = len(public_texts(name).items)
    except Exception as error:
        found[f"told to stay offline, {name}"] = str(error)
print(json.dumps(found))
"""


def test_from_the_hub_and_then_without_a_network(hub, tmp_path):
    hub.fault = "cut"
    said = run(ONLINE, tmp_path, hub.address)
    assert said["cut"].startswith(f"CatalogError: the download of '{SST2.repo}' broke off with ")
    assert said["cut"].endswith("(try again).") and "\n" not in said["cut"]

    sst2 = pd.DataFrame(said["sst2"].pop("rows"))
    assert said["sst2"]["splits"] == {"train": 90, "tune": 5, "tune_valid": 5, "test": 30}
    assert (said["sst2"]["classes"], said["sst2"]["like"]) == (["negative", "positive"], "reviews")
    assert not sst2.text.duplicated().any() and sst2.text.str.endswith(tuple("0123456789")).all()
    assert (sst2.label[sst2.text.str.contains("grim")] == "negative").all() and set(sst2.number) == {0, 1}
    finance = pd.DataFrame(said["twitter_finance"].pop("rows"))
    words = {"fall": "negative", "rise": "positive", "reported": "neutral"}
    assert (finance.text.str.split().str[-1].map(words) == finance.label).all()
    assert said["twitter_finance"]["metric"] == "macro F1" and (finance.split == "test").sum() == 12

    assert "hub's copy differs from the catalog" in said["minilm"]
    loss, all_trained, size, layers, top = said["bert"]
    assert 0.3 < loss < 1.5 and all_trained and 108e6 < size < 111e6 and layers == 12
    assert top == ["layer10", "layer11", "head"]

    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "datasets").joinpath(TWEETS.repo.replace("/", "___")).rename(tmp_path / "moved")
        found = run(OFFLINE, tmp_path, nobody)
    assert found["sst2"] == found["told to stay offline, sst2"] == 130
    forbids = f"'{TWEETS.repo}' is not in the cache, and HF_HUB_OFFLINE=1 forbids a download"
    assert found["told to stay offline, twitter_finance"].startswith(forbids)
    expected = f"CatalogError: the hub cannot be reached for '{TWEETS.repo}' (check the network, then try again)."
    assert found["twitter_finance"] == expected and found["seconds twitter_finance"] < 15


# --- in this process


def test_the_small_profile_says_how(monkeypatch):
    monkeypatch.setattr(runtime, "_profile", "small")
    with pytest.raises(catalog.CatalogError, match="small profile downloads nothing: pip install .*FTLIB_PROFILE=full"):
        public_texts()


def test_without_the_package_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(runtime, "_profile", "full")
    monkeypatch.setattr(public.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"need the package datasets: install the course with its extra \[full\]"):
        public_texts()


def test_what_is_unknown_is_refused():
    with pytest.raises(ValueError, match="no public set 'imdb': choose from sst2, twitter_finance"):
        public_texts("imdb")
    with pytest.raises(ValueError, match="no backbone 'roberta'"):
        public_texts("sst2", backbone="roberta")


@pytest.mark.parametrize("change", [{"label": 7}, {"sentence": None}])
def test_changed_data_is_refused(monkeypatch, change):
    table = phrases(10).assign(**change).dropna(axis=1)
    loaded = {"train": table, "validation": table}
    monkeypatch.setattr(pd.DataFrame, "to_pandas", lambda self: self, raising=False)
    monkeypatch.setattr(public, "_load", lambda found: loaded)
    with pytest.raises(catalog.CatalogError, match="'stanfordnlp/sst2' has changed: its split 'train'"):
        assert PublicTexts("sst2").items is None


def test_all_backbones_share_one_vocabulary():
    from ftlib.models.sentences import ENCODERS
    from ftlib.tasks.text import BACKBONES

    assert tuple(BACKBONES) == ENCODERS
    files = [file for name in BACKBONES for file in catalog.entry(name).files if file.path == "vocab.txt"]
    assert len(files) == len(BACKBONES) and len({file.sha256 for file in files}) == 1
