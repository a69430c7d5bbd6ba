"""Public sets of texts for the full profile, loaded with ``datasets.load_dataset``.

Financial PhraseBank (Malo et al. 2014), the best known set of finance sentences, is not here: on the hub it comes as
a script, and ``datasets`` runs no scripts since version 4.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ftlib import runtime
from ftlib._sources import OUT_OF_REACH, Unusable, knock
from ftlib.catalog import CatalogError
from ftlib.tasks.text import FinanceNews, Reviews, TextTask

SEED = 0  # of the split
TUNE = 1_000  # texts for each of the two tuning splits, or a twentieth of the training split if that is less


@dataclass(frozen=True)
class PublicSet:
    """A public data set: where it is, which column holds the text, and what its label numbers mean."""

    repo: str
    revision: str | None  # the commit; None: the newest
    licence: str
    text: str
    labels: tuple[str, ...]
    like: type[TextTask]  # the course's task with the same classes

    @property
    def url(self) -> str:
        """Its page, with the authors' card."""
        return f"https://huggingface.co/datasets/{self.repo}"


SETS = {
    "sst2": PublicSet(
        "stanfordnlp/sst2", "8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb", "not stated by its authors", "sentence",
        ("negative", "positive"), Reviews,
    ),
    "twitter_finance": PublicSet(
        "zeroshot/twitter-financial-news-sentiment", None, "MIT", "text", ("negative", "positive", "neutral"),
        FinanceNews,
    ),
}  # fmt: skip


class PublicTexts(TextTask):
    """A public data set as a task; see ``public_texts``.

    Attributes:
        found: its ``PublicSet``, with licence and url.
    """

    def __init__(self, name: str, **options: Any) -> None:
        if name not in SETS:
            raise ValueError(f"there is no public set {name!r}: choose from {', '.join(SETS)}")
        super().__init__(**options)
        self.name, self.found = name, SETS[name]
        like = self.found.like
        self.classes, self.metric, self.budgets = like.classes, like.metric, like.budgets
        self.settings_like = like.name

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row a text: ``id, text, label, split, number``."""
        loaded = _load(self.found)
        train, test = (self._table(loaded, split) for split in ("train", "validation"))
        plain = train.text.str.casefold()
        train = train[~plain.isin(test.text.str.casefold()) & ~plain.duplicated()].reset_index(drop=True)
        n = min(TUNE, len(train) // 20)
        order = np.random.default_rng(SEED).permutation(len(train))
        split = np.full(len(train), "train", dtype=object)
        split[order[:n]], split[order[n : 2 * n]] = "tune", "tune_valid"
        table = pd.concat([train.assign(split=split), test.assign(split="test")], ignore_index=True)
        return table.assign(number=table.label.map({label: i for i, label in enumerate(self.classes)}))

    def _table(self, loaded: Any, split: str) -> pd.DataFrame:
        found, table = self.found, loaded[split].to_pandas() if split in loaded else pd.DataFrame()
        strange = {found.text, "label"} - set(table) or set(table.label) - set(range(len(found.labels)))
        if strange:
            raise CatalogError(f"{found.repo!r} has changed: its split {split!r} does not fit the course ({strange}).")
        labels = [found.labels[number] for number in table.label]
        ids = [f"{split}-{i}" for i in range(len(table))]
        return pd.DataFrame({"id": ids, "text": table[found.text].str.strip(), "label": labels})


def public_texts(name: str = "sst2", pooling: str = "mean", backbone: str = "minilm") -> PublicTexts:
    """A task on a public data set; the first call downloads it, later ones find it in the hub's cache.

    ``"sst2"``: 67,349 phrases and 872 sentences of film reviews, negative or positive (Socher et al. 2013,
    https://aclanthology.org/D13-1170), at a pinned commit. Many training phrases are cut from one sentence, so scores
    on ``tune_valid`` flatter; the test sentences come from others. ``"twitter_finance"``: 11,932 tweets on finance,
    bearish, bullish or neutral, here negative, positive and neutral. No commit is pinned: none is known to the
    course in full, so its scores may change with the data.

    ``test`` is the set's own validation split. ``tune`` and ``tune_valid`` are drawn from its training split with a
    fixed seed, after texts that stand in ``test`` or stood before are dropped.

    Args:
        pooling, backbone: as in ``TextTask``.

    Raises:
        ValueError: there is no such set, pooling or backbone.
        ImportError: the package ``datasets`` is not installed.
        CatalogError: this is the small profile, or the data cannot be had; one sentence that says what to do.
    """
    task = PublicTexts(name, pooling=pooling, backbone=backbone)
    if runtime.profile() != "full":
        how = 'pip install "ftlib[full]", set FTLIB_PROFILE=full and restart Python'
        raise CatalogError(f"{task.found.repo!r} is downloaded, and the small profile downloads nothing: {how}.")
    if importlib.util.find_spec("datasets") is None:
        raise ImportError("public data sets need the package datasets: install the course with its extra [full]")
    assert len(task.items)
    print(f"{name}: {len(task.items):,} texts from {task.found.url} (licence: {task.found.licence})")
    return task


def _load(found: PublicSet) -> Any:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub import constants

    repo, reason = repr(found.repo), ""
    if constants.HF_HUB_OFFLINE:
        reason = f"{repo} is not in the cache, and HF_HUB_OFFLINE=1 forbids a download (unset it and restart Python)"
    else:
        try:
            knock(found.repo)
        except Unusable:
            reason = OUT_OF_REACH.format(repo)
    with _calm(offline=bool(reason)):
        try:
            return load_dataset(found.repo, revision=found.revision)
        except DatasetNotFoundError as error:
            commit = f" at commit {found.revision[:7]}" if found.revision else ""
            raise CatalogError(f"{reason or f'the hub has no public data set {repo}{commit}'}.") from error
        except Exception as error:  # many kinds, which differ between versions of the client
            broke = f"the download of {repo} broke off with {type(error).__name__} (try again)"
            raise CatalogError(f"{reason or broke}.") from error


@contextmanager
def _calm(offline: bool) -> Iterator[None]:
    """Without the log of ``datasets``; offline, it looks only into its cache and does not wait for a network."""
    from datasets import config
    from datasets.utils import logging

    level, before = logging.get_verbosity(), config.HF_HUB_OFFLINE
    logging.set_verbosity_error()
    config.HF_HUB_OFFLINE = before or offline
    try:
        yield
    finally:
        logging.set_verbosity(level)
        config.HF_HUB_OFFLINE = before
