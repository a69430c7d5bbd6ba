"""The simulated arm, its experts and demonstrations, and policies that move it."""

from __future__ import annotations

import builtins
import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("gymnasium_robotics")

from ftlib.models.policy import Policy
from ftlib.robot import arm, demonstrations, rollouts, views
from ftlib.robot.arm import ACTION, BLOCK, BLOCK_FROM_GRIPPER, GOAL, GRIPPER, OBSERVATION, SKILLS, STEPS, Arm, World
from ftlib.robot.demonstrations import BadDemonstrations, Demonstrations
from ftlib.robot.experts import EXPERTS


def expert_of(skill):
    return lambda seen: EXPERTS[skill](seen)[None]


def episode_of(skill="pick_and_place", seed=3, world=None, control=None):
    with Arm(skill, world) as moved:
        return rollouts.rollout(moved, control or expert_of(skill), seed)


@pytest.fixture(scope="module")
def demos():
    return demonstrations.record("pick_and_place", range(3))


@pytest.mark.parametrize("skill", SKILLS)
def test_each_expert_does_its_skill(skill):
    assert set(EXPERTS) == set(SKILLS)
    with Arm(skill) as moved:
        episodes = [rollouts.rollout(moved, expert_of(skill), seed) for seed in range(900, 904)]
    assert all(episode.success for episode in episodes)


def test_an_observation_is_where_things_are():
    with Arm() as moved:
        seen = moved.reset(5)
        assert seen.shape == (OBSERVATION,)
        assert np.allclose(seen[BLOCK], moved.where) and np.allclose(seen[GOAL], moved.goal)
        assert np.allclose(seen[BLOCK] - seen[GRIPPER], seen[BLOCK_FROM_GRIPPER])
        assert moved.distance == pytest.approx(np.linalg.norm(seen[GOAL] - seen[BLOCK]))


def test_an_empty_table_leaves_zeros_where_the_block_would_be():
    with Arm("reach") as moved:
        seen = moved.reset(5)
        assert not moved.has_block and not seen[BLOCK].any()
        assert np.allclose(moved.where, seen[GRIPPER], atol=1e-6) and seen[GOAL].all()


def test_a_seed_fixes_the_episode_and_another_changes_it():
    first, again, other = (episode_of(seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.seen, again.seen) and not np.array_equal(first.seen[0], other.seen[0])


def test_the_lift_lies_above_the_block():
    with Arm("lift_10cm") as moved:
        moved.reset(1)
        assert np.allclose(moved.goal - moved.where, [0, 0, 0.1])


def test_a_changed_camera_changes_what_is_seen_and_not_what_is():
    shift = (0.03, 0.0, 0.0)
    with Arm() as plain, Arm(world=World(shift=shift)) as shifted, Arm(world=World(noise=0.01)) as noisy:
        true, seen, blurred = plain.reset(7), shifted.reset(7), noisy.reset(7)
        for part in (BLOCK, BLOCK_FROM_GRIPPER, GOAL):
            assert np.allclose(seen[part] - true[part], shift)
        assert np.allclose(shifted.truth, true) and shifted.distance == pytest.approx(plain.distance)
        assert 0 < np.abs(blurred[BLOCK] - true[BLOCK]).max() < 0.06 and np.array_equal(blurred[GOAL], true[GOAL])


def test_a_late_action_is_done_late():
    up = np.array([0, 0, 1, 0])
    with Arm("reach") as plain, Arm("reach", World(delay=3)) as late:
        heights = [[moved.reset(1)[2], *(moved.step(up)[2] for _ in range(4))] for moved in (plain, late)]
    assert heights[0][3] - heights[0][0] > 0.05 > heights[1][3] - heights[1][0]
    assert heights[1][4] > heights[1][3] + 0.001


def test_a_heavy_or_large_block_is_heavier_or_larger():
    with Arm(world=World(weight=3, size=1.4, slip=0.5)) as moved, Arm() as plain:
        changed, before = (one.env.model for one in (moved, plain))
        assert changed.body("object0").mass == pytest.approx(3 * before.body("object0").mass)
        assert changed.geom("object0").size == pytest.approx(1.4 * before.geom("object0").size)
        assert changed.geom("object0").friction[0] == pytest.approx(0.5 * before.geom("object0").friction[0])


def test_unknown_skills_and_wrong_actions_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="there is no skill 'juggle': choose from reach"):
        Arm("juggle")
    with Arm("reach") as moved:
        for action in ([0, 0, 0], [0, 0, 0, np.nan]):
            with pytest.raises(ValueError, match="an action is 4 finite numbers"):
                moved.step(np.array(action, float))


def test_a_missing_simulator_is_named(monkeypatch):
    load = builtins.__import__

    def without(name, *rest, **options):
        if name == "gymnasium_robotics":
            raise ImportError("no module")
        return load(name, *rest, **options)

    arm.simulator.cache_clear()
    monkeypatch.delitem(sys.modules, "gymnasium_robotics")
    monkeypatch.setattr(builtins, "__import__", without)
    try:
        with pytest.raises(arm.SimulatorMissing, match="simulator cannot be loaded .* install mujoco below 3.12"):
            Arm()
    finally:
        monkeypatch.undo()
        arm.simulator.cache_clear()


def test_a_simulator_that_is_too_new_is_named(monkeypatch):
    class TooNew:
        def make(self, *_, **__):
            raise AssertionError

    monkeypatch.setattr(arm, "simulator", lambda: TooNew())
    with pytest.raises(arm.SimulatorMissing, match="too new"):
        Arm()


def test_demonstrations_show_what_the_expert_wanted(demos):
    assert demos.seen.shape == (3, STEPS, OBSERVATION) and demos.done.shape == (3, STEPS, ACTION)
    assert demos.seeds.tolist() == [0, 1, 2]
    wanted = EXPERTS["pick_and_place"](demos.seen[1, 4].astype(float))
    assert np.allclose(demos.done[1, 4], wanted, atol=1e-4)


def test_noise_shakes_the_arm_and_not_the_wishes(demos):
    clean = demonstrations.record("pick_and_place", range(3), noise=0.0)
    assert np.array_equal(clean.seen[:, 0], demos.seen[:, 0])
    assert not np.allclose(clean.seen[:, 10], demos.seen[:, 10])


def test_recording_depends_on_the_seed_alone_and_stops_when_it_is_enough(demos):
    again = demonstrations.record("pick_and_place", [2, 0, 1], enough=2)
    assert np.array_equal(again.seen, demos.seen[[2, 0]])


def test_failed_episodes_are_left_out_unless_wanted():
    def idle(seen):
        return np.zeros(ACTION)

    with pytest.raises(BadDemonstrations, match="in none of 2 episodes of push"):
        demonstrations.record("push", [0, 1], expert=idle)
    assert len(demonstrations.record("push", [0, 1], expert=idle, only_good=False)) == 2


def test_the_expert_sees_through_a_wrong_camera():
    shifted = demonstrations.record("pick_and_place", [3], world=World(shift=(0.03, 0, 0)))
    plain = demonstrations.record("pick_and_place", [3])
    assert np.array_equal(shifted.done, plain.done)
    assert np.allclose(shifted.seen[0, 0, BLOCK] - plain.seen[0, 0, BLOCK], [0.03, 0, 0], atol=1e-5)


def test_demonstrations_are_saved_and_read_back(demos, tmp_path):
    demos.save(tmp_path / "d.npz")
    found = Demonstrations.load(tmp_path / "d.npz")
    assert np.array_equal(found.seen, demos.seen) and np.array_equal(found.done, demos.done)
    assert [path.name for path in tmp_path.iterdir()] == ["d.npz"]


def test_a_truncated_or_foreign_file_is_refused(demos, tmp_path):
    path = tmp_path / "d.npz"
    demos.save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"hello", b""):
        path.write_bytes(content)
        with pytest.raises(BadDemonstrations, match="d.npz is no file of demonstrations, or was cut short"):
            Demonstrations.load(path)
    np.savez(path, seen=demos.seen, done=demos.done[..., :3], seeds=demos.seeds)
    with pytest.raises(BadDemonstrations, match=r"d.npz: done has shape .*, steps, 4\)"):
        Demonstrations.load(path)
    with pytest.raises(FileNotFoundError):
        Demonstrations.load(tmp_path / "none.npz")


def test_a_pickle_inside_is_never_opened(demos, tmp_path):
    np.savez(tmp_path / "d.npz", seen=np.array([print], dtype=object), done=demos.done, seeds=demos.seeds)
    with pytest.raises(BadDemonstrations, match="no file of demonstrations"):
        Demonstrations.load(tmp_path / "d.npz")


def test_wrong_arrays_are_named(demos):
    bad = demos.seen.copy()
    bad[1, 7, 2] = np.nan
    with pytest.raises(BadDemonstrations, match="seen holds NaN or infinity, first in episode 1 at step 7"):
        Demonstrations(bad, demos.done, demos.seeds)
    with pytest.raises(BadDemonstrations, match="each episode needs as many observations as actions"):
        Demonstrations(demos.seen, demos.done[:, :-1], demos.seeds)
    with pytest.raises(BadDemonstrations, match="one seed"):
        Demonstrations(demos.seen, demos.done, demos.seeds[:2])


def test_examples_hold_the_next_actions_and_repeat_the_last(demos):
    seen, done = demonstrations.examples(demos, chunk=8).tensors
    assert seen.shape == (3 * STEPS, OBSERVATION) and done.shape == (3 * STEPS, 8 * ACTION)
    chunks = done.view(3, STEPS, 8, ACTION)
    assert torch.equal(chunks[2, 5, 3], torch.from_numpy(demos.done[2, 8]))
    assert torch.equal(chunks[1, -2], torch.from_numpy(demos.done[1, [-2, *[-1] * 7]]))


def test_a_policy_normalises_and_keeps_what_it_normalises_with():
    policy = Policy()
    policy.normalise_with(torch.full((OBSERVATION,), 2.0), torch.full((OBSERVATION,), 0.5))
    other = Policy()
    other.load_state_dict(policy.state_dict())
    x = torch.randn(3, OBSERVATION) + 2
    assert torch.equal(other(x), policy(x)) and policy.chunks(x).shape == (3, 8, ACTION)
    far = torch.full((1, OBSERVATION), 1e6)
    assert torch.equal(policy(far), policy(torch.full((1, OBSERVATION), 1e7)))
    assert policy.observation == OBSERVATION


def test_a_controller_does_only_the_first_actions_of_a_chunk():
    policy, seen = Policy(chunk=8), np.zeros(OBSERVATION)
    chunk = rollouts.controller(policy, 8)(seen)
    assert chunk.shape == (8, ACTION) and np.array_equal(rollouts.controller(policy, 3)(seen), chunk[:3])


def test_a_rollout_asks_again_when_its_actions_are_used_up():
    asked = []

    def control(seen):
        asked.append(seen)
        return np.zeros((4, ACTION))

    episode = episode_of(control=control)
    assert len(asked) == 13 and len(episode.done) == STEPS and len(episode.seen) == STEPS + 1
    assert np.array_equal(asked[1], episode.seen[4])
    assert not episode.success and episode.outcome == "never moved the block"


def test_outcomes_name_what_happened():
    dropped, goal = [], np.array([1.3, 0.6, 0.425])

    def lift_and_drop(seen):
        if seen[GRIPPER][2] > 0.6 or dropped:
            dropped.append(True)
            return np.array([[0, 0, 0, 1.0]])
        goal = seen.copy()
        goal[GOAL] = seen[BLOCK] + [0, 0, 0.3]
        return EXPERTS["pick_and_place"](goal)[None]

    def hold_it_high(seen):
        goal = seen.copy()
        goal[GOAL] = [1.2, 0.6, 0.7]
        return EXPERTS["pick_and_place"](goal)[None]

    assert episode_of().outcome == "success"
    assert episode_of(control=lift_and_drop).outcome == "lifted and lost it"
    assert episode_of(control=hold_it_high).outcome == "held it, but not at the goal"
    rolled = np.linspace([1.3, 0.7, 0.425], [1.7, 0.7, 0.1], STEPS + 1)
    seen, away = np.ones((STEPS + 1, OBSERVATION)), np.ones(STEPS + 1)
    fell = rollouts.Episode(0, seen, np.zeros((STEPS, ACTION)), away, rolled, goal)
    assert fell.outcome == "pushed it off the table"


def test_successes_are_counted():
    good, bad = episode_of(), episode_of(control=lambda seen: np.zeros((50, ACTION)))
    assert rollouts.successes([good, bad, good]) == 2


@pytest.fixture(params=["rendered", "drawn"])
def graphics(request, monkeypatch):
    """With and without a graphics library.

    The probe renders once in a process of its own, with EGL, then OSMesa, or with what MUJOCO_GL names. With
    MUJOCO_GL=disable MuJoCo loads no graphics at all, so that rendering fails as where no library is installed.
    """
    if request.param == "drawn":
        monkeypatch.setenv("MUJOCO_GL", "disable")
    else:
        monkeypatch.delenv("MUJOCO_GL", raising=False)
        monkeypatch.delenv("PYOPENGL_PLATFORM", raising=False)
    views.backend.cache_clear()
    if request.param == "rendered" and views.backend() is None:
        views.backend.cache_clear()
        pytest.skip("no graphics library works here")
    yield request.param
    views.backend.cache_clear()


def test_frames_show_the_block_move(graphics):
    with Arm() as moved:
        episode = rollouts.rollout(moved, expert_of("pick_and_place"), 3)
        first, last, again = views.frames(moved, episode, [0, 50, 0])
    assert (views.backend() is None) == (graphics == "drawn")
    assert first.shape == (views.HEIGHT, views.WIDTH, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and np.abs(first.astype(int) - last).mean() > 1


def test_a_filmstrip_has_alt_text_and_wants_a_caption_each(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "disable")
    views.backend.cache_clear()
    with Arm("reach") as moved:
        episode = rollouts.rollout(moved, expert_of("reach"), 3)
        strip = views.filmstrip(moved, [episode], ["an expert"], "Reaching", at=(0, 20))
        assert strip.alt.startswith("Reaching. Stills of the robot arm") and "0 cm from the goal" in strip.alt
        with pytest.raises(ValueError, match="2 captions for 1 episodes"):
            views.filmstrip(moved, [episode], ["a", "b"], "Reaching")
    views.backend.cache_clear()


def test_the_probe_tells_what_works(monkeypatch, capsys):
    from ftlib.doctor import ARM

    monkeypatch.setattr(views, "backend", lambda: None)
    exec(ARM, {})
    assert '"error": "", "pictures": "drawn with matplotlib, since' in capsys.readouterr().out

    def missing(skill):
        raise arm.SimulatorMissing("too new")

    monkeypatch.setattr(arm, "Arm", missing)
    exec(ARM, {})
    assert '"error": "too new"' in capsys.readouterr().out


def test_demonstrations_go_to_lerobot_where_it_is_installed(demos, tmp_path, monkeypatch):
    from unittest.mock import MagicMock

    from ftlessons.lesson16 import arm_lerobot

    monkeypatch.setattr(arm_lerobot, "installed", lambda: False)
    with pytest.raises(ImportError, match="lerobot is not installed"):
        arm_lerobot.save(demos, tmp_path / "set")
    module = MagicMock()
    for name in ("lerobot", "lerobot.datasets", "lerobot.datasets.lerobot_dataset"):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(arm_lerobot, "installed", lambda: True)
    assert arm_lerobot.save(demos, tmp_path / "set") == tmp_path / "set"
    ((_, options),) = module.LeRobotDataset.create.call_args_list
    assert options["fps"] == 25 and options["features"]["action"]["shape"] == (4,)
    written = module.LeRobotDataset.create.return_value
    assert written.save_episode.call_count == 3 and written.mock_calls[-1][0] == "finalize"
    frames = [call.args[0] for call in written.add_frame.call_args_list]
    assert len(frames) == 3 * STEPS and np.array_equal(frames[51]["action"], demos.done[1, 1])


@pytest.mark.skipif(views.backend() is None, reason="no graphics library works here")
def test_a_network_trains_in_the_process_that_has_rendered():
    """Two libraries bring an LLVM, and the process died where the renderer's came first."""
    code = """
import torch
from ftlib.robot import rollouts, views
from ftlib.robot.arm import Arm
from ftlib.robot.experts import EXPERTS
with Arm("reach") as moved:
    episode = rollouts.rollout(moved, lambda seen: EXPERTS["reach"](seen)[None], 3)
    views.frames(moved, episode, [0])
layer = torch.nn.Linear(2, 2)
layer(torch.ones(1, 2)).sum().backward()
torch.optim.AdamW(layer.parameters()).step()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-500:]
