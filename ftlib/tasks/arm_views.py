"""Pictures of the arm: rendered by MuJoCo where a graphics library works, else drawn with matplotlib."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ftlib import plots
from ftlib.tasks.arm import HALF_BLOCK, STEPS, TOLERANCE, Arm
from ftlib.tasks.arm_rollouts import Episode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 240, 200
CAMERA = {"distance": 1.3, "azimuth": 140.0, "elevation": -16.0, "lookat": (1.25, 0.75, 0.6)}
BACKENDS = ("egl", "osmesa")
PROBE_SECONDS = 60
GOAL_RADIUS = 0.028
ORANGE, PINK = (1.0, 0.55, 0.0, 1.0), (1.0, 0.0, 0.7, 1.0)
# the arm from its shoulder to its gripper
JOINTS = (
    "robot0:shoulder_pan_link", "robot0:shoulder_lift_link", "robot0:upperarm_roll_link", "robot0:elbow_flex_link",
    "robot0:forearm_roll_link", "robot0:wrist_flex_link", "robot0:wrist_roll_link", "robot0:gripper_link",
)  # fmt: skip
_PROBE = """
import mujoco
model = mujoco.MjModel.from_xml_string("<mujoco/>")
from gymnasium.envs.mujoco.mujoco_rendering import OffScreenViewer
viewer = OffScreenViewer(model, mujoco.MjData(model), width=8, height=8)
viewer.render("rgb_array")
viewer.close()
"""


@cache
def backend() -> str | None:
    """Which graphics library can render here, ``"egl"`` or ``"osmesa"``, or None.

    Tried in a process of its own, because a broken library can take Python down with it. A ``MUJOCO_GL``
    of your own decides alone; ``MUJOCO_GL=disable`` asks for drawings.
    """
    wished = os.environ.get("MUJOCO_GL", "").lower()
    if sys.platform != "linux":
        return None if wished == "disable" else wished or _working("glfw")
    return next((name for name in ((wished,) if wished else BACKENDS) if _working(name)), None)


def _working(name: str) -> str | None:
    environment = os.environ | {"MUJOCO_GL": name, "PYOPENGL_PLATFORM": name}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE], env=environment, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    return name if done.returncode == 0 else None


def frames(arm: Arm, episode: Episode, at: Sequence[int]) -> np.ndarray:
    """What the episode looked like at some of its steps: (len(at), height, width, 3) uint8.

    The episode is played again: the simulator does the same actions from the same seed.
    """
    camera = _Rendered(arm) if backend() else _Drawn(arm)
    try:
        pictures, wanted = {}, set(at)
        arm.reset(episode.seed)
        for step in range(max(wanted) + 1):
            if step in wanted:
                pictures[step] = camera.picture()
            if step < len(episode.done):
                arm.step(episode.done[step])
    finally:
        camera.close()
    return np.stack([pictures[step] for step in at])


def filmstrip(
    arm: Arm, episodes: Sequence[Episode], captions: Sequence[str], title: str, at: Sequence[int] = (0, 10, 20, 30, 50)
) -> plots.Picture:
    """A row of stills for each episode, at the same steps."""
    if len(captions) != len(episodes):
        raise ValueError(f"{len(captions)} captions for {len(episodes)} episodes: give one an episode")
    rows = [frames(arm, episode, at) for episode in episodes]
    fig, axes = plots.figure(title, "", "", columns=len(at), size=(1.75 * len(at), 0.35 + 1.7 * len(rows)))
    fig.clear()
    fig.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    grid = fig.subplots(len(rows), len(at), squeeze=False)
    for i, (row, caption) in enumerate(zip(rows, captions, strict=True)):
        for j, step in enumerate(at):
            ax = grid[i, j]
            ax.imshow(row[j])
            ax.set_xticks([])
            ax.set_yticks([])
            ax.set_title(f"{step / 25:.1f} s", fontsize=8, fontweight="normal", loc="center")
        grid[i, 0].set_ylabel(caption, fontsize=9)
    ends = "; ".join(
        f"{caption}: ends {episode.distance[-1] * 100:.0f} cm from the goal"
        for episode, caption in zip(episodes, captions, strict=True)
    )
    alt = f"{title}. Stills of the robot arm at its table over {at[-1] / 25:.0f} seconds. {ends}."
    return plots.Picture(fig, alt, photos=True)


class _Rendered:
    """MuJoCo's own picture, from close by, the block orange and the goal pink."""

    def __init__(self, arm: Arm) -> None:
        os.environ["MUJOCO_GL"] = os.environ["PYOPENGL_PLATFORM"] = backend()
        from gymnasium.envs.mujoco.mujoco_rendering import OffScreenViewer

        self.arm, env = arm, arm.env
        self.viewer = OffScreenViewer(env.model, env.data, width=WIDTH, height=HEIGHT)
        self.viewer.cam.lookat[:] = CAMERA["lookat"]
        for name in ("distance", "azimuth", "elevation"):
            setattr(self.viewer.cam, name, CAMERA[name])
        mark = env.model.site("target0").id
        env.model.site_rgba[mark], env.model.site_size[mark] = PINK, GOAL_RADIUS
        if arm.has_block:
            geom = env.model.geom("object0").id
            env.model.geom_matid[geom], env.model.geom_rgba[geom] = -1, ORANGE

    def picture(self) -> np.ndarray:
        """The present moment, (HEIGHT, WIDTH, 3) uint8."""
        self.arm.env._render_callback()  # puts the goal's mark where the goal is
        return np.array(self.viewer.render("rgb_array"))

    def close(self) -> None:
        """Give the graphics context back."""
        self.viewer.close()


class _Drawn:
    """A drawing of the arm's joints, the table, the block and the goal."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm

    def picture(self) -> np.ndarray:
        """The present moment, (HEIGHT, WIDTH, 3) uint8."""
        fig = self._figure()
        fig.canvas.draw()
        return np.asarray(fig.canvas.buffer_rgba())[..., :3].copy()

    def close(self) -> None:
        """There is nothing to give back."""

    def _figure(self) -> Figure:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        data = self.arm.env.data
        fig = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
        FigureCanvasAgg(fig)
        ax = fig.add_axes((-0.1, -0.15, 1.2, 1.3), projection="3d", computed_zorder=False)
        ax.view_init(elev=18, azim=-40)
        ax.set(xlim=(1.0, 1.6), ylim=(0.45, 1.05), zlim=(0.38, 0.98))
        ax.set_axis_off()
        x, y = np.array([1.05, 1.55, 1.55, 1.05, 1.05]), np.array([0.4, 0.4, 1.1, 1.1, 0.4])
        ax.plot_surface(x[[[0, 1], [3, 2]]], y[[[0, 1], [3, 2]]], np.full((2, 2), 0.4), color="#dddddd", zorder=0)
        joints = np.array([data.body(name).xpos for name in JOINTS[4:]])
        fingers = [data.body(f"robot0:{side}_gripper_finger_link").xpos for side in "rl"]
        goal, where = self.arm.goal, self.arm.where
        ax.plot(*goal, "o", color=PINK, markersize=9, zorder=3)
        ax.plot([goal[0]] * 2, [goal[1]] * 2, [0.4, goal[2]], ":", color=PINK, linewidth=1, zorder=1)
        if self.arm.has_block:
            corner = HALF_BLOCK * self.arm.world.size
            ax.bar3d(*(where - corner), *[2 * corner] * 3, color="#D55E00", zorder=2)
        ax.plot(*joints.T, "-", color="#0072B2", linewidth=5, solid_capstyle="round", zorder=4)
        for finger in fingers:
            tip = finger - [0, 0, 0.03]
            ax.plot(*np.array([joints[-1], finger, tip]).T, "-", color="#333333", linewidth=3, zorder=5)
        return fig


def paths(episodes: Sequence[Episode], title: str) -> plots.Picture:
    """Distance from the goal over time, one line an episode, with the 5 cm that count as there."""
    fig, ax = plots.figure(title, "seconds", "centimetres from the goal")
    ends = []
    for episode in episodes:
        good = episode.success
        ax.plot(np.arange(len(episode.distance)) / 25, episode.distance * 100,
                color=plots.COLOURS[0 if good else 1], linestyle="-" if good else "--", linewidth=1)  # fmt: skip
        ends.append(good)
    ax.axhline(TOLERANCE * 100, color="#999999", linestyle=":")
    ax.set_ylim(bottom=0)
    ax.set_xlim(0, STEPS / 25)
    return plots.Picture(fig, f"{title}. {sum(ends)} of {len(ends)} lines end below 5 cm; the others are dashed.")
