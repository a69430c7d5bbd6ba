"""The robot tasks, their recipes, the pre-training script and the studies, all in small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import wrong15

pytest.importorskip("gymnasium_robotics")

from authoring.pretrain import arm as pretrain_arm
from ftlessons.lesson15.studies import arm_cloning
from ftlessons.lesson16.studies import arm_forgetting, arm_mixes, arm_next, arm_worlds
from ftlib import adapt, metrics, models, recipes, results, tasks
from ftlib.robot import demonstrations, reports, rollouts
from ftlib.robot import tasks as arm_tasks
from ftlib.robot.arm import OBSERVATION, STEPS, Arm, World
from ftlib.robot.experts import EXPERTS
from ftlib.robot.tasks import DEMO_SEEDS, EPISODE_SEEDS, EPISODES, POOL, PickAndPlace, Push

SETTINGS = {name: {"lr": 3e-4, "steps": 5} for name in ("scratch", "head", "full")}


@pytest.fixture
def few(monkeypatch):
    """Scores over three episodes, and no more passes over the data than the steps ask for."""
    monkeypatch.setattr(arm_tasks, "EPISODES", {split: 3 for split in EPISODES})
    monkeypatch.setattr(arm_tasks.ArmTask, "min_passes", 1)
    monkeypatch.setattr(recipes, "tuned", lambda task: SETTINGS)


def test_no_two_groups_share_a_seed():
    spans = [(start, start + 2 * POOL[split]) for split, start in DEMO_SEEDS.items()]
    spans += [(start, start + 100) for start in EPISODE_SEEDS.values()]
    spans += [(arm_mixes.SEEDS_FROM, arm_mixes.SEEDS_FROM + 1000)]
    spans += [(arm_cloning.DEMO_SEEDS, arm_cloning.DEMO_SEEDS + 6000), (arm_cloning.TEST_SEEDS, 80_000)]
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))


def test_a_smaller_budget_is_part_of_a_larger_one():
    task = tasks.get("pick_and_place")
    small, large = task.demonstrations(2, seed=1), task.demonstrations(4, seed=1)
    assert np.array_equal(small.seeds, large.seeds[:2]) and len(large) == 4
    assert small.seeds.tolist() != task.demonstrations(2, seed=2).seeds.tolist()
    assert len(task.sample(2, seed=1)) == 2 * STEPS


def test_budgets_beyond_the_pool_and_unknown_groups_are_refused():
    task = tasks.get("pick_and_place")
    for budget in (0, 251):
        with pytest.raises(ValueError, match="the train group has 1 to 250 demonstrations"):
            task.sample(budget, 0)
    with pytest.raises(ValueError, match="no demonstrations in the group 'test': choose from train, tune"):
        task.sample(1, 0, "test")
    with pytest.raises(ValueError, match="no episodes in the group 'exam'"):
        task.episodes(task.untrained(0), "exam")


def test_the_shipped_policy_can_do_what_its_card_says():
    success = models.training("arm-skills")["success"]
    assert success["push"] > 0.8 and success["lift"] > 0.8
    with Arm("lift") as arm:
        episodes = rollouts.rollouts(arm, models.load("arm-skills"), range(70_000, 70_005))
    assert rollouts.successes(episodes) >= 4


def test_an_untrained_policy_differs_by_seed_and_sees_like_the_trained_one():
    task = tasks.get("pick_and_place")
    first, again, other = (task.untrained(seed).layer2[0].weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(task.untrained(0).layer1[0].mean, task.pretrained().layer1[0].mean)


def test_a_score_is_a_share_of_episodes(few):
    score = tasks.get("push").evaluate(models.load("arm-skills"))
    assert score.metric == "success rate" and score.n == 1 and score.value in (0.0, 1.0)


@pytest.mark.parametrize("recipe", ["scratch", "head", "full"])
def test_recipes_keep_the_head_and_train_what_they_say(few, recipe):
    task = PickAndPlace()
    done = recipes.run(recipe, task, 2, settings=SETTINGS)
    before = task.untrained(0) if recipe == "scratch" else task.pretrained()
    now, then = done.model.state_dict(), before.state_dict()
    moved = {name.split(".")[0] for name, value in now.items() if not torch.equal(value, then[name])}
    assert moved == ({"head"} if recipe == "head" else {"layer1", "layer2", "layer3", "head"})
    assert adapt.get_head(done.model).out_features == task.n_outputs == 32
    assert (done.row["source_score"] is None) == (recipe == "scratch")


def test_a_kept_head_starts_where_the_pretraining_left_it(few):
    gentle = {"full": {"lr": 1e-9, "steps": 1}}
    done = recipes.run("full", PickAndPlace(), 2, settings=gentle)
    start = adapt.get_head(models.load("arm-skills")).weight
    assert torch.allclose(adapt.get_head(done.model).weight, start, atol=1e-5)
    assert done.row["source_score"] == Push().evaluate(models.load("arm-skills")).value


def test_a_head_is_trained_on_the_tasks_own_loss(few):
    task = PickAndPlace()
    head, (x, y) = torch.nn.Linear(3, 2), (torch.randn(4, 3), torch.randn(4, 2))
    assert torch.allclose(task.head_loss(head, (x, y)), (head(x) - y).abs().mean())


def test_neighbours_repeat_what_was_shown(few):
    task = PickAndPlace()
    train = task.sample(2, 0)
    control = arm_tasks.neighbours(train, k=1)
    seen, done = train.tensors
    assert np.allclose(control(seen[7].numpy()), done[7].view(8, 4)[:4], atol=1e-5)
    row = recipes.run_rival("neighbours", task, 2, 0, settings={"neighbours": {"k": 1, "goal": 1.0}})
    assert 0 <= row["score"] <= 1
    assert len(task.rival_grid()["neighbours"]) == len(task.rates("full")) * len(task.steps("full"))


def test_a_changed_world_changes_demonstrations_and_scores():
    here, there = PickAndPlace(), PickAndPlace(World(shift=(0.1, 0, 0)))
    assert not torch.equal(here.sample(1, 0).tensors[0], there.sample(1, 0).tensors[0])
    assert torch.equal(here.sample(1, 0).tensors[1], there.sample(1, 0).tensors[1])


def test_an_observation_is_explained_part_by_part():
    with Arm() as arm:
        table = reports.explain(arm.reset(1))
    assert len(table) == 10 and table.loc["where the goal is", "unit"] == "m"
    assert sum(len(numbers.split(",")) for numbers in table.numbers) == OBSERVATION


def test_outcomes_are_counted_apart_for_goals_in_the_air():
    task = PickAndPlace()
    episodes = task.episodes(task.pretrained(), n=8)
    table = reports.outcomes(episodes)
    assert table["all"].sum() == 8 and table.loc["success", "all"] == rollouts.successes(episodes)
    assert table["in the air"].sum() == sum(episode.goal[2] > 0.45 for episode in episodes)
    assert reports.success_rate(episodes).low < table.loc["success", "all"] / 8
    shares = reports.by_goal(episodes)
    assert shares["goals in the air"] == table.loc["success", "in the air"] / table["in the air"].sum()
    low = [episode for episode in episodes if episode.goal[2] <= reports.IN_THE_AIR]
    shares = reports.by_goal(low)
    assert shares["goals on the table"] == rollouts.successes(low) / len(low)
    assert np.isnan(shares["goals in the air"])


def test_imitation_errors_are_zero_for_the_expert_itself():
    demos = demonstrations.record("push", [1, 2], noise=0)
    expert = EXPERTS["push"]
    seen = demos.seen.astype(float)
    none = reports.imitation_errors(lambda now: expert(now)[None], expert, seen)
    some = reports.imitation_errors(lambda now: expert(now)[None] + 0.5, expert, seen)
    assert none.shape == (2, STEPS) and not none.any() and np.allclose(some, 0.5)
    assert "0.50 at the end" in reports.drift({"expert": none, "off": some}, "Errors").alt


def test_pretraining_saves_a_checkpoint_with_its_card(tmp_path, monkeypatch):
    monkeypatch.setitem(arm_mixes.MIXES, arm_mixes.SKILLS_MIX, ("reach",))
    monkeypatch.setitem(arm_mixes.DEMOS, "reach", 3)
    summary = pretrain_arm.train(tmp_path / "out", tmp_path / "work", steps=4, episodes=1)
    assert summary["steps"] == 4 and set(summary["success"]) == set(pretrain_arm.TESTED)
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "config.json", "model.safetensors", "training.json",
    ]  # fmt: skip
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "3 of reach" in card and "147,232 parameters" in card and "| push | no |" in card
    assert json.loads((out / "config.json").read_text())["chunk"] == 8
    first = (tmp_path / "work" / "reach.npz").read_bytes()
    again = pretrain_arm.train(out, tmp_path / "work", steps=4, episodes=1)
    assert again["loss"] == summary["loss"] and (tmp_path / "work" / "reach.npz").read_bytes() == first


def test_studies_name_their_jobs_once():
    for study in (arm_cloning, arm_forgetting, arm_mixes, arm_next, arm_worlds):
        jobs = study.jobs()
        assert len(jobs) == len(set(jobs))


def test_a_study_row_of_each_kind(few, monkeypatch, tmp_path):
    for study in (arm_forgetting, arm_worlds):
        monkeypatch.setattr(study, "EPISODES", 2)
    monkeypatch.setattr(arm_worlds, "FIRST", 2)
    monkeypatch.setattr(arm_worlds, "SHOWN", 1)
    row = arm_forgetting.one(3.0, 1, 0)
    assert row["lr"] == pytest.approx(3 * SETTINGS["full"]["lr"]) and 0 <= row["push"] <= 1
    assert SETTINGS["full"]["lr"] == 3e-4  # the tuned settings stay as they were
    row = arm_worlds.one("camera 3 cm off", 0)
    assert row["expert"] == 1.0 and 0 <= row["after"] <= 1
    monkeypatch.setattr(arm_mixes, "STEPS", 2)
    monkeypatch.setattr(arm_mixes, "WORK", Path(tmp_path))
    monkeypatch.setattr(arm_mixes, "DEMOS", dict.fromkeys(arm_mixes.DEMOS, 2))
    row = arm_mixes.one("reach, push", 0)
    assert {"zero_shot", "gentle", "bold"} < set(row)
    monkeypatch.setattr(arm_cloning, "STEPS", 2)
    assert arm_cloning.trial(0.0, 1, 1, seed=0, demos=1, episodes=1) in (0.0, 1.0)


def test_the_next_demonstrations_are_chosen_as_said():
    task = PickAndPlace()
    practice = task.episodes(task.untrained(0), "train", n=12)
    seeds = {episode.seed: episode for episode in practice}
    assert set(arm_next.choose("random", practice, 0)) <= set(seeds)
    failed = arm_next.choose("failed", practice, 0)
    assert len(set(failed)) == 5 and not any(seeds[seed].success for seed in failed)
    highest = arm_next.choose("one kind", practice, 0)
    assert min(seeds[seed].goal[2] for seed in highest) >= np.median([one.goal[2] for one in practice])


def test_next_demonstrations_are_added_to_the_first(few, monkeypatch):
    monkeypatch.setattr(arm_next, "MORE", 2)
    row = arm_next.one("random", 0)
    assert row["choice"] == "random" and 0 <= row["score"] <= 1 and row["failed_in_practice"] <= 3


def test_on_record_ten_demonstrations_lift_the_policy_wholly_above_random_weights():
    table = results.load("robotics", "pick_and_place")
    full, scratch = (results.scores(table, name, 10) for name in ("full", "scratch"))
    assert len(full) >= 5 and list(full.index) == list(scratch.index)
    assert metrics.mean_interval(full).low > metrics.mean_interval(scratch).high


def test_a_repair_of_the_log_counts_after_an_attempt_that_spoilt_its_copy():
    from ftlessons.classroom.checks import grade

    def right(log: demonstrations.Demonstrations) -> demonstrations.Demonstrations:
        x, y = log.done[..., 0].copy(), log.done[..., 1].copy()
        log.done[..., 0], log.done[..., 1] = -y, x
        return log

    assert grade("15-log", wrong15._in_place).status == "not_yet"
    assert grade("15-log", right).status == grade("15-log", right).status == "correct"
