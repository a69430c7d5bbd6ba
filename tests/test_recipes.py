"""Each recipe starts from, freezes and reports what it says, and all get the same labels."""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from ftlib import adapt, recipes
from ftlib.metrics import Score
from ftlib.recipes import (
    COLUMNS,
    RECIPES,
    compare,
    fit_head,
    frozen_features,
    run,
    run_rival,
    source_score,
    tuned,
)  # fmt: skip
from ftlib.runtime import write_json
from ftlib.tasks.base import Task
from ftlib.tasks.vision import Digits, PrintedLetters
from ftlib.train import fit

FEW = {"lr": 1e-3, "steps": 2}
SETTINGS = {name: FEW for name in RECIPES} | {"svm": {"C": 10.0, "gamma": 0.03}}
TRAINED = {
    "scratch": ["stem", "layer1", "layer2", "layer3", "layer4", "head"],
    "head": ["head"],
    "from_layer4": ["layer4", "head"],
    "top": ["layer3", "layer4", "head"],
    "from_layer2": ["layer2", "layer3", "layer4", "head"],
    "head_then_all": ["stem", "layer1", "layer2", "layer3", "layer4", "head"],
    "full": ["stem", "layer1", "layer2", "layer3", "layer4", "head"],
    "full_moving_bn": ["stem", "layer1", "layer2", "layer3", "layer4", "head"],
    "head_then_all_moving_bn": ["stem", "layer1", "layer2", "layer3", "layer4", "head"],
}
each = pytest.mark.parametrize("name", TRAINED)


@pytest.fixture(autouse=True)
def short_runs(monkeypatch):
    """Let a test train for fewer passes than a recipe does at least."""
    monkeypatch.setattr(Task, "min_passes", 1)


def test_a_recipe_makes_at_least_so_many_passes_over_its_labels(monkeypatch):
    monkeypatch.setattr(Task, "min_passes", 3)
    row = run("head", TASK, 5, settings={"head": {"lr": 1e-3, "steps": 2}}).row
    assert row["steps"] == 3 * 4  # 50 labels in batches of 16
    row = run("head", TASK, 5, settings={"head": {"lr": 1e-3, "steps": 20}}).row
    assert row["steps"] == 20


def test_passes_become_as_many_steps_as_they_take():
    row = run("head", TASK, 5, settings={"head": {"lr": 1e-3, "passes": 7}}).row
    assert row["steps"] == 7 * 4  # 50 labels in batches of 16


class QuickLetters(PrintedLetters):
    """Few letters to score, so that a test takes a moment."""

    test_size = 40


class QuickDigits(Digits):
    """Digits with a short test split and the model loaded once."""

    source = QuickLetters()

    def split(self, name):
        return TensorDataset(*(t[:60] for t in super().split(name).tensors))

    def rivals(self):
        return super().rivals() | {"noter": self._note}

    def _note(self, train, split, settings) -> Score:
        self.noted = (train, split, settings)
        return Score(0.5, "accuracy", True, 1)


TASK = QuickDigits()


@cache
def finished(name: str) -> recipes.Run:
    return run(name, TASK, 1, 0, settings=SETTINGS)


@cache
def pretrained() -> nn.Module:
    return TASK.pretrained()


def states(model: nn.Module, kind: str) -> dict[str, torch.Tensor]:
    """``parameters`` or ``buffers`` by name, without the head."""
    return {k: v for k, v in getattr(model, f"named_{kind}")() if not k.startswith("fc.")}


def changed_stages(model: nn.Module) -> list[str]:
    pairs = zip(adapt.stages(model).items(), adapt.stages(pretrained()).values(), strict=True)
    moved = []
    for (stage, parts), before in pairs:
        now, then = ([p for m in modules for p in m.parameters()] for modules in (parts, before))
        if any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(now, then, strict=True)):
            moved.append(stage)
    return moved


# each recipe


def test_the_recipes_of_the_course_are_there():
    assert {"zero_shot", *TRAINED, "lora"} == set(RECIPES)
    assert all(recipe.name == name and recipe.summary for name, recipe in RECIPES.items())


@each
def test_a_recipe_does_what_it_says(name):
    """It moves its stages and no other, moves BatchNorm's statistics where it says so, and its row is of its model."""
    row, model, histories = finished(name).row, finished(name).model, finished(name).histories
    assert changed_stages(model) == TRAINED[name]
    assert row["trainable_parameters"] == adapt.describe(model).total[TRAINED[name]].sum()
    assert row["steps"] == 2 * len(RECIPES[name].phases) == sum(history.steps for history in histories)
    assert 0 < sum(history.seconds for history in histories) < row["seconds"]
    before, after = states(pretrained(), "buffers"), states(model, "buffers")
    moved = any(not torch.equal(before[key], after[key]) for key in before)
    assert moved is (name == "scratch" or name.endswith("moving_bn"))
    assert row["score"] == TASK.evaluate(model).value and adapt.get_head(model).out_features == 10
    known = None if name == "scratch" else source_score(model, TASK, adapt.get_head(pretrained()))
    assert row["source_score"] == known and math.isfinite(histories[-1].loss[-1])


def test_scratch_starts_from_random_weights_that_the_seed_chooses():
    still = {"scratch": {"lr": 1e-12, "steps": 1}}
    first, other = (run("scratch", TASK, 1, seed, settings=still).model for seed in (0, 1))
    assert torch.allclose(first.conv1.weight, TASK.untrained(0).conv1.weight, atol=1e-9)
    assert not torch.allclose(first.conv1.weight, other.conv1.weight, atol=1e-3)


def test_head_leaves_the_backbone_bit_for_bit_and_forgets_nothing():
    after = finished("head")
    for kind in ("parameters", "buffers"):
        before, now = states(pretrained(), kind), states(after.model, kind)
        assert before.keys() == now.keys() and all(torch.equal(before[key], now[key]) for key in before)
    assert after.row["source_score"] == TASK.source.evaluate(pretrained()).value


def test_full_forgets_when_the_rate_is_high():
    harsh = run("full", TASK, 1, settings={"full": {"lr": 0.03, "steps": 3}}).row
    assert harsh["source_score"] < finished("head").row["source_score"]


def test_head_then_all_goes_on_from_the_trained_head():
    barely = SETTINGS | {"head": {"lr": 0.01, "steps": 5}, "head_then_all": {"lr": 1e-12, "steps": 1}}
    head, both = (run(name, TASK, 1, settings=barely).model for name in ("head", "head_then_all"))
    assert torch.allclose(head.fc.weight, both.fc.weight, atol=1e-6)
    assert not torch.allclose(
        head.fc.weight, run("full", TASK, 1, settings=SETTINGS).model.fc.weight, atol=1e-3
    )


def test_recipes_with_one_seed_start_from_the_same_new_head():
    still = dict.fromkeys(RECIPES, {"lr": 1e-12, "steps": 1})
    weights = [run(name, TASK, 1, 3, settings=still).model.fc.weight for name in ("head", "full")]
    other = run("head", TASK, 1, 4, settings=still).model.fc.weight
    assert torch.allclose(*weights, atol=1e-9) and not torch.allclose(weights[0], other, atol=1e-3)


def test_lora_trains_adapters_and_head_beside_frozen_weights():
    model, row = finished("lora").model, finished("lora").row
    base = {
        k.replace(".base_layer", "").split("model.")[-1]: v
        for k, v in model.named_parameters()
        if "lora_" not in k
    }
    before = states(pretrained(), "parameters")
    kept = {key: base[key] for key in before}
    assert all(torch.equal(before[key], kept[key]) for key in before)
    added = [p for name, p in model.named_parameters() if "lora_B" in name]
    assert added and any(p.any() for p in added)
    assert 5130 < row["trainable_parameters"] < 500_000 and row["score"] == TASK.evaluate(model).value
    assert 0 <= row["source_score"] <= 1


def test_the_same_seed_gives_the_same_score_and_weights():
    again = run("full", TASK, 1, 0, settings=SETTINGS)
    assert again.row["score"] == finished("full").row["score"]
    pairs = zip(again.model.parameters(), finished("full").model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_recipe_of_ones_own():
    mine = recipes.Recipe(
        "late", "pretrained", (recipes.Phase("top", "full"),), "eval", "top at another rate"
    )
    done = run(mine, TASK, 1, settings=SETTINGS)
    assert done.row["recipe"] == "late" and changed_stages(done.model) == TRAINED["top"]


class ZeroShot(QuickLetters):
    has_zero_shot = True


def test_zero_shot_scores_the_pretrained_model_untouched():
    row = run("zero_shot", ZeroShot(), 0, settings={}).row
    assert row["score"] == QuickLetters().evaluate(pretrained()).value > 0.3
    assert row["steps"] == row["trainable_parameters"] == 0


def test_zero_shot_is_refused_where_the_head_knows_other_classes():
    with pytest.raises(ValueError, match="zero_shot needs a head that already knows the classes of digits"):
        run("zero_shot", TASK, 1, settings=SETTINGS)


# the trace


def test_a_trace_follows_the_score_and_changes_nothing():
    traced = run("head_then_all", TASK, 1, settings=SETTINGS, trace_every=1)
    trace = traced.trace()
    assert list(trace.columns) == ["seconds", "score"] and len(trace) == 4
    assert trace.seconds.is_monotonic_increasing and trace.seconds.iloc[0] > 0
    assert trace.score.iloc[-1] == traced.row["score"] == finished("head_then_all").row["score"]
    assert finished("head_then_all").trace().empty


def test_a_run_of_lora_repeats_wherever_the_global_generator_stands():
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(run("lora", TASK, 1, settings=SETTINGS).model.state_dict())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


# the cached head


def test_training_the_head_on_cached_features_equals_training_it_in_place():
    data = TASK.sample(2, 0)
    quick, plain = TASK.pretrained(), TASK.pretrained()
    for model in (quick, plain):
        adapt.replace_head(model, 10, seed=0)
        adapt.freeze(model)
        adapt.unfreeze(model, "head")
    options = {"steps": 6, "lr": 0.01, "batch_size": 8, "seed": 1, "progress": False}
    history = fit_head(quick, data, TASK, **options)
    other = fit(plain, data, loss=TASK.loss, batchnorm="eval", **options)
    assert torch.allclose(quick.fc.weight, plain.fc.weight, atol=1e-5)
    assert history.loss == pytest.approx(other.loss, abs=1e-4)
    assert not quick.training


def test_the_time_of_fit_head_includes_computing_the_features(monkeypatch):
    import time

    def slow(*args):
        time.sleep(0.2)
        return frozen_features(*args)

    monkeypatch.setattr(recipes, "frozen_features", slow)
    model = TASK.pretrained()
    adapt.replace_head(model, 10, seed=0)
    adapt.freeze(model)
    adapt.unfreeze(model, "head")
    history = fit_head(model, TASK.sample(1, 0), TASK, **FEW, progress=False)
    assert history.seconds_at[0] > 0.2 and len(history.seconds_at) == 2


def test_frozen_features_are_what_the_head_reads():
    data, model = TASK.sample(1, 0), TASK.pretrained().train()
    z, y = frozen_features(model, data, TASK, batch_size=4).tensors
    assert z.shape == (10, 512) and torch.equal(y, data.tensors[1]) and not z.requires_grad
    logits = pretrained()(data.tensors[0])
    assert torch.allclose(pretrained().fc(z), logits, atol=1e-4)


def test_source_score_puts_the_new_head_back_even_after_an_error():
    model, old = TASK.pretrained(), adapt.get_head(pretrained())
    adapt.replace_head(model, 10, seed=0)
    new = adapt.get_head(model)
    assert source_score(model, TASK, old) == TASK.source.evaluate(pretrained()).value
    assert adapt.get_head(model) is new
    with pytest.raises(AttributeError):
        source_score(model, QuickLetters(), old)  # letters have no source
    assert adapt.get_head(model) is new


# rivals


def test_a_rival_gets_the_labels_that_the_recipes_get(monkeypatch):
    drawn = []
    sample = QuickDigits.sample
    monkeypatch.setattr(QuickDigits, "sample", lambda self, *args: drawn.append(args) or sample(self, *args))
    row = run_rival(
        "noter", TASK, 3, 5, settings={"noter": {"k": 1}}, train_split="tune", test_split="tune_valid"
    )
    run("head", TASK, 3, 5, settings=SETTINGS, train_split="tune", test_split="tune_valid")
    assert drawn == [(3, 5, "tune")] * 2
    train, split, settings = TASK.noted
    assert torch.equal(train.tensors[0], sample(TASK, 3, 5, "tune").tensors[0])
    assert (split, settings, row["score"]) == ("tune_valid", {"k": 1}, 0.5)


def test_the_svms_row():
    row = run_rival("svm", TASK, 5, 0, settings=SETTINGS)
    assert tuple(row) == COLUMNS and 0.5 < row["score"] < 1
    assert (row["task"], row["recipe"], row["budget"], row["seed"]) == ("digits", "svm", 5, 0)
    assert row["steps"] == row["trainable_parameters"] == 0 and row["source_score"] is None


# compare


def test_compare_returns_one_row_a_run():
    table = compare(
        TASK, ["scratch", "head", "svm"], budgets=[1, 2], seeds=2, settings=SETTINGS, progress=False
    )
    assert tuple(table.columns) == COLUMNS and len(table) == 12
    assert not table.duplicated(["recipe", "budget", "seed"]).any()
    assert set(table.seed) == {0, 1} and set(table.budget) == {1, 2}
    assert set(table.task) == {"digits"} and set(table.budget_unit) == {"labels per class"}
    known = table.set_index("recipe").source_score
    assert known[["scratch", "svm"]].isna().all() and known["head"].notna().all()
    assert known.dtype == float
    first = table[(table.recipe == "head") & (table.budget == 1) & (table.seed == 0)]
    assert first.score.item() == finished("head").row["score"]
    options = {"settings": SETTINGS, "score_source": False}  # no rival knows what the second one means
    assert compare(TASK, ["svm"], [1], 1, progress=False, **options).score.item() > 0.5


def test_compare_takes_named_tasks_chosen_seeds_and_own_recipes(monkeypatch):
    monkeypatch.setattr(recipes.tasks, "get", lambda name: {"digits": TASK}[name])
    table = compare("digits", [RECIPES["head"]], budgets=[1], seeds=[4], settings=SETTINGS, progress=False)
    assert table.recipe.tolist() == ["head"] and table.seed.tolist() == [4]


@pytest.mark.parametrize("empty", [{"recipes": []}, {"budgets": []}, {"seeds": 0}, {"seeds": []}])
def test_an_empty_plan_is_refused(empty):
    plan = {"recipes": ["head"], "budgets": [1], "seeds": 1} | empty
    with pytest.raises(ValueError, match="at least one recipe, one budget and one seed"):
        compare(TASK, settings=SETTINGS, progress=False, **plan)


@pytest.mark.parametrize(
    "call",
    [
        lambda: compare(TASK, ["head", "haed"], [1], 1, settings=SETTINGS, progress=False),
        lambda: run("haed", TASK, 1, settings=SETTINGS),
        lambda: run_rival("haed", TASK, 1, 0, settings=SETTINGS),
    ],
)
def test_an_unknown_name_is_refused_with_a_choice(call):
    with pytest.raises(ValueError, match="'haed' for digits: choose from .*svm"):
        call()


def test_a_rival_is_no_recipe_and_a_recipe_no_rival():
    with pytest.raises(ValueError, match="'svm' is a rival of digits and no recipe: use run_rival"):
        run("svm", TASK, 1, settings=SETTINGS)
    with pytest.raises(ValueError, match="no rival 'head' for digits"):
        run_rival("head", TASK, 1, 0, settings=SETTINGS)


def test_a_recipe_without_settings_is_refused():
    with pytest.raises(ValueError, match="no tuned settings for 'full': there are some for head"):
        run("full", TASK, 1, settings={"head": FEW})
    with pytest.raises(ValueError, match="no tuned settings for 'svm'"):
        run_rival("svm", TASK, 1, 0, settings={"head": FEW})


# tuned settings


def test_tuned_reads_the_settings_of_a_task(tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "catalog", SimpleNamespace(data_dir=lambda: tmp_path))
    with pytest.raises(FileNotFoundError, match="run `python -m authoring tune vision`"):
        tuned(TASK)
    write_json(tmp_path / "results" / "vision_tuned.json", {"digits": {"settings": SETTINGS}})
    assert tuned(TASK) == SETTINGS
    with pytest.raises(FileNotFoundError, match="letters has not been tuned yet"):
        tuned(TASK.source)
    table = compare(TASK, ["head"], [1], 1, progress=False)
    assert table.steps.tolist() == [2] and isinstance(table, pd.DataFrame)
