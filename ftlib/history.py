"""Watch a run: what happened at each step, the score on the way, the best weights, and when to stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ftlib import plots
from ftlib.metrics import Score


@dataclass
class History:
    """What happened in a run: for each step a loss, the head's rate and the training seconds; a score now and then."""

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds_at: list[float] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    metric: str = ""
    best_step: int | None = None
    stopped_early: bool = False

    @property
    def steps(self) -> int:
        """Optimizer steps taken."""
        return len(self.loss)

    @property
    def seconds(self) -> float:
        """Training time; evaluations along the way do not count."""
        return self.seconds_at[-1] if self.seconds_at else 0.0

    def plot(self, title: str = "Training") -> plots.Picture:
        """Draw the loss curve, and the score where one was measured."""
        return plots.history(self, title)


class Watch:
    """Follows the score during training, keeps the best weights and says when to stop."""

    def __init__(
        self,
        model: nn.Module,
        evaluate: Callable[[nn.Module], Score] | None,
        patience: int | None,
        every: int,
        steps: int,
    ):
        self.model, self.evaluate, self.patience = model, evaluate, patience
        self.every, self.steps = every, steps
        self.history, self.best, self.waited = History(), None, 0
        self.best_state: dict[str, Tensor] | None = None

    def due(self, step: int) -> bool:
        """Whether the model is scored after this step."""
        return self.evaluate is not None and (step % self.every == 0 or step == self.steps)

    def look(self, step: int) -> bool:
        """Score the model; True if it is time to stop."""
        score = self.evaluate(self.model)
        self.history.metric = score.metric
        self.history.scores.append((step, float(score.value)))
        better = self._is_better(score)
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best, self.history.best_step = float(score.value), step
            if self.patience is not None:
                self.best_state = deepcopy(self.model.state_dict())
        self.history.stopped_early = self.patience is not None and self.waited >= self.patience
        return self.history.stopped_early

    def _is_better(self, score: Score) -> bool:
        if math.isnan(score.value):
            return False
        if self.best is None:
            return True
        return score.value > self.best if score.higher_is_better else score.value < self.best

    def postfix(self) -> dict[str, str]:
        """What stands beside the progress bar."""
        shown = {"loss": f"{self.history.loss[-1]:.3f}"}
        if self.history.scores:
            shown[self.history.metric] = f"{self.history.scores[-1][1]:.3f}"
        return shown

    def finish(self) -> None:
        """Put the best weights back, if they were kept, and leave the model in evaluation mode."""
        if self.best_state is not None:
            self.model.load_state_dict(self.best_state)
            self.best_state = None
        self.model.eval()

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        history = vars(self.history)
        return {"history": history, "best": self.best, "waited": self.waited, "best_state": self.best_state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another run stopped.

        Raises:
            ValueError: this is no such state.
        """
        known = isinstance(state, dict) and {"history", "best", "waited", "best_state"} <= state.keys()
        if not known or not isinstance(state["history"], dict) or set(state["history"]) - set(vars(self.history)):
            raise ValueError("the kept history of the run is damaged: start the run anew")
        vars(self.history).update(state["history"])
        self.best, self.waited, self.best_state = state["best"], state["waited"], state["best_state"]
