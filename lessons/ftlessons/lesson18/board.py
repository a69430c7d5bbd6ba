"""The board to print: what one sees, which test decides, what it was, and who reported it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ftlessons.classroom.display import as_table, emit
from ftlessons.lesson18.cases import CAUSES

GITHUB = "https://github.com/"


@dataclass(frozen=True)
class Row:
    """One line of the board.

    Attributes:
        cause: a key of ``CAUSES``, or a few words where the lesson has no case.
        seen: what people notice.
        test: which test decides.
        mend: what to do.
        thread: title of a public report of it.
        place: where that is, behind ``GITHUB``.
    """

    cause: str
    seen: str
    test: str
    mend: str
    thread: str
    place: str


ROWS = (
    Row("labels", "low loss, and the score of a guess", "classes", "store the classes with the model",
        "datagen.flow_from_directory classes (class_indices) do not correspond to model.predict class indices",
        "keras-team/keras/issues/6075"),
    Row("head", "it learns slowly, or not at all", "parameters", "make the optimizer after the last change",
        "Not putting parameters into optimizer but still trainable", "zjunlp/HVPNeT/issues/5"),
    Row("statistics", "the old task suffers though all is frozen", "moved", "frozen layers in evaluation mode",
        'Easy way to "freeze" BatchNorm running_mean/running_var', "pytorch/pytorch/issues/86590"),
    Row("copies", "too good, and strangers get less", "neighbours", "split by origin, then make copies",
        "Data leakage: 100% of test images are duplicates of training images", "stefyste/RIAWELC/issues/2"),
    Row("preprocessing", "less than it should be, and nothing else", "inputs", "prepare as in pre-training",
        "wav2vec : can we use pretrained wav2vec model to extract features from audio sampled with less sampling rates "
        "(12K)?", "facebookresearch/fairseq/issues/1931"),
    Row("lost_head", "fine until it is loaded", "parameters", "name the new head in modules_to_save",
        "Finetuned model does not load trained weights properly, but instead uses random initialization",
        "huggingface/peft/issues/577"),
    Row("group_rate", "old skills are gone, the loss recovers", "moved", "print the rate of every group",
        "Bug fix: fix setting different learning rates between backbone and main model in ACT policy",
        "huggingface/lerobot/pull/280"),
    Row("mode", "the score depends on who shares a batch", "again", "model.eval() before each score",
        "Difference in test accuracy during training and evaluation", "microsoft/robustdg/issues/30"),
    Row("cut", "fast, and never good", "inputs", "read what is left of ten examples",
        "[Bug] Training fails due to sequence length truncation despite setting max_length=8192",
        "unslothai/unsloth/issues/3019"),
    Row("unseen", "one class at zero", "classes", "count what training draws",
        "Whatever dataset I am training, it is always missing one class.", "AlexeyAB/darknet/issues/7962"),
    Row("loss over padding", "a low loss that says little", "inputs", "ignore padded places in the loss",
        "Loss is calculated on all tokens, including padding, in the LM fine-tuning example",
        "huggingface/transformers/issues/2759"),
    Row("accumulation without division", "a loss several times too high", "the first loss", "divide by the parts",
        "[Trainer] As gradient_accumulation_steps increases, the loss also increases",
        "huggingface/transformers/issues/37766"),
    Row("another split", "a better score, on other examples", "score it again", "one split for old and new",
        "Train on validation set?", "gyhui14/spottune/issues/4"),
)  # fmt: skip


def rows(reports: bool = False) -> list[Sequence[str]]:
    """The board's lines; with ``reports`` also a link to a public report of each."""
    made = []
    for row in ROWS:
        what = f"{row.cause}: {CAUSES[row.cause][0]}" if row.cause in CAUSES else row.cause
        link = [f'<a href="{GITHUB}{row.place}">{row.thread}</a>'] if reports else []
        made.append([row.seen, row.test, what, row.mend, *link])
    return made


def board(reports: bool = False) -> None:
    """Show the board as a table, to print or to pin up."""
    head = ["what you see", "test that decides", "what it was", "what to do", *(["one who reported it"] * reports)]
    table = as_table(head, rows(reports), left=range(len(head)))
    plain = "\n".join(" | ".join(row[:4]) for row in rows())
    emit(plain, **{"text/html": table})
