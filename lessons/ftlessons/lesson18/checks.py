"""Exercises of lesson 18, broken fine-tunes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ftlessons.classroom.checks import exercise, expect
from ftlessons.lesson18.cases import CASES, CAUSES, case
from ftlessons.lesson18.lab import broken, rerun
from ftlessons.lesson18.runs import Run, accuracy
from ftlessons.lesson18.studies.broken_runs import RIGHT
from ftlib import tasks
from ftlib.diagnosis import check_run

FEWEST_TO_TEST = 20
# what a mended run reaches with room to spare; elsewhere the evidence must be gone
NEEDED = {"sluggish": 0.9, "two_heads": 0.75, "hoarse": 0.85, "bump": 0.6, "moody": 0.9, "hasty": 0.65}
WHY_NOT = {
    "labels": "then one class would be taken for another throughout. Buy `classes`",
    "head": "then the head would ask for gradients that no optimizer uses. Buy `parameters`",
    "statistics": "then running statistics would have moved where weights have not. Buy `moved`",
    "copies": "then test pictures would have a twin in training. Buy `neighbours`",
    "preprocessing": "then the inputs would not look like those of pre-training. Buy `inputs`",
    "lost_head": "then the network would be good until it is saved, and nothing here is saved",
    "group_rate": "then one stage would have moved much further than the others. Buy `moved`",
    "mode": "then a second score in evaluation mode would differ. Buy `again`",
    "cut": "then all inputs would have one length. Buy `inputs`",
    "unseen": "then one class would have no training examples. Buy `classes`",
}


def solved(name: str, answer: Any) -> Run:
    """The mended run of an answer ``{"cause": ..., "line": ..., "new": ...}``, if it is right.

    Raises:
        NotYet: with what is wrong.
    """
    keys = ("cause", "line", "new")
    expect(isinstance(answer, dict) and set(answer) == set(keys), f"fill in the three entries {', '.join(keys)}")
    cause, line, new = (answer[key] for key in keys)
    expect(cause in CAUSES, f"{cause!r} is not on the board: {', '.join(CAUSES)}")
    right = case(name).cause
    expect(cause == right, f"were it {cause!r}, {WHY_NOT.get(cause, '')}")
    expect(isinstance(line, int) and not isinstance(line, bool), "line is the number of a line of the script")
    expect(isinstance(new, str) and new.strip(), "new is the line as it should be, in quotes")
    try:
        run = rerun(name, line, new)
    except ValueError as problem:
        expect(False, str(problem))
    expect(len(run.test) >= FEWEST_TO_TEST, f"a test of {len(run.test)} says little: keep more examples for it")
    report = check_run(run.model, run.task, run.history, train=run.train, test=run.test, optimizer=run.optimizer)
    left = [finding for finding in report.findings if finding.what in RIGHT[right]]
    expect(not left, f"the evidence is still there: {left[0].evidence}" if left else "")
    expect(run.score >= NEEDED.get(name, 0), f"the score is {run.score:.2f} now, and a sound run gets more")
    return run


def _scores(name: str, run: Run) -> str:
    return f"Reported before: {broken(name).score:.2f}. Now: {run.score:.2f}."


@exercise(
    "18-sluggish",
    hints=(
        "A new head should learn fastest of all. Who makes it learn, and does that know of it? Buy `parameters`.",
        "Lines 4 and 5 stand in the wrong order: give the second one anew, and let the optimizer follow it.",
    ),
)
def sluggish(answer: Any) -> str:
    """The head that the optimizer does not know."""
    run = solved("sluggish", answer)
    return f"{_scores('sluggish', run)} The optimizer kept the old head, which nobody uses any more."


@exercise(
    "18-two-heads",
    hints=(
        "Everything below the head asks for no gradient. What else can change in a layer? Buy `moved`.",
        "BatchNorm averages whatever it sees in training mode. Look for the line that sets the mode.",
    ),
)
def two_heads(answer: Any) -> str:
    """Frozen layers whose running statistics move."""
    run = solved("two_heads", answer)
    return f"{_scores('two_heads', run)} Frozen weights get no gradient, but statistics are no weights."


@exercise(
    "18-brilliant",
    hints=(
        "What could make a test easy? Buy `neighbours`, and look at the pairs.",
        "Five people wrote the digits. `writer` says who: let one of them write the whole test, `writer == ...`.",
    ),
)
def brilliant(answer: Any) -> str:
    """Near-copies on both sides of the split."""
    run = solved("brilliant", answer)
    strangers = accuracy(broken("brilliant").model, tasks.get("digits").split("test"), run.task)
    return f"{_scores('brilliant', run)} Of digits by five strangers, the network as it was reads {strangers:.2f}."


@exercise(
    "18-hoarse",
    hints=(
        "New microphones changed something about the sound. Buy `inputs` and compare the two lines.",
        "Nothing arrives in the upper bands, and words last twice as long: they are read too slowly. See line 3.",
    ),
)
def hoarse(answer: Any) -> str:
    """Sound at another sampling rate than the script believes."""
    run = solved("hoarse", answer)
    return f"{_scores('hoarse', run)} The head had learnt what it could from sound an octave too low."


@exercise(
    "18-more",
    hints=(
        "Each test is made for some causes: read the menu again, and buy the one that would split your two suspects.",
        "`bump`: `moved`. `moody`: `again`. `hasty`: `inputs`. `blind_spot`: `classes`. `amnesiac`: `parameters`.",
    ),
)
def more(answer: Any) -> str:
    """One of the five other cases, by name."""
    names = [each.name for each in CASES[5:]]
    expect(isinstance(answer, dict) and "case" in answer, "fill in the four entries case, cause, line, new")
    expect(answer["case"] in names, f"case is {answer['case']!r}: choose from {', '.join(names)}")
    run = solved(answer["case"], {key: value for key, value in answer.items() if key != "case"})
    return f"{_scores(answer['case'], run)} Four more are waiting."


@exercise(
    "18-unknown",
    hints=(
        "An optimizer keeps its tensors in `group['params']` of every group of `optimizer.param_groups`.",
        "Compare by identity: `{id(p) for group in ... for p in group['params']}`. Tensors of equal value may differ.",
    ),
)
def unknown(answer: Any) -> str:
    """A function (model, optimizer) to the names of parameters that ask for a gradient and are in no group."""
    expect(callable(answer), "give a function of a model and its optimizer")
    for model, optimizer, wanted, trap in _optimizers():
        found = answer(model, optimizer)
        expect(found is not None, "the function returns nothing yet")
        expect(sorted(found) == wanted, f"{trap} Found: {sorted(found)}; it should be {wanted}")
    return "Two lines, and worth a place in every script of yours, right before the loop."


def _optimizers() -> list[tuple[nn.Module, torch.optim.Optimizer, list[str], str]]:
    """Networks with their optimizers, what is unknown there, and what a wrong answer overlooks."""
    def net() -> nn.Sequential:
        return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))

    whole, late, frozen, groups = net(), net(), net(), net()
    old = torch.optim.SGD(late.parameters(), lr=0.1)
    late[2] = nn.Linear(4, 2)
    late[2].load_state_dict({name: value.clone() for name, value in net()[2].state_dict().items()})
    frozen[0].requires_grad_(False)
    twin = nn.Linear(4, 2)
    twin.load_state_dict(groups[2].state_dict())
    split = torch.optim.SGD([{"params": groups[0].parameters()}, {"params": twin.parameters()}], lr=0.1)
    return [
        (whole, torch.optim.SGD(whole.parameters(), lr=0.1), [], "Here the optimizer knows all."),
        (late, old, ["2.bias", "2.weight"], "Here the last layer was replaced after the optimizer had been made."),
        (frozen, torch.optim.SGD(frozen[2].parameters(), lr=0.1), [], "What is frozen need not be known."),
        (groups, split, ["2.bias", "2.weight"], "Here the second group holds another layer of equal values."),
    ]


@exercise(
    "18-curves",
    hints=(
        "A curve that falls to nothing says that the training examples are known. What does it say of the test?",
        "Which of the faults act after the last step, or before the first?",
    ),
)
def curves(answer: Any) -> str:
    """For each of six faults, whether the training loss could show it at all: True or False."""
    could = {"labels": False, "head": True, "copies": False, "group_rate": True, "mode": False, "lost_head": True}
    expect(isinstance(answer, dict) and set(answer) == set(could), f"fill in {', '.join(could)}")
    for cause in could:
        expect(isinstance(answer[cause], bool), f"{cause} is {answer[cause]!r}: answer with True or False")
    wrong = [cause for cause, value in could.items() if answer[cause] != value]
    expect(not wrong, f"think again about {', '.join(f'{cause!r} ({CAUSES[cause][0]})' for cause in wrong[:1])}")
    return "What happens to the test, or after the training, leaves no trace in the loss of training."
