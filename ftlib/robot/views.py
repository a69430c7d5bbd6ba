"""Pictures of the arm: rendered by MuJoCo where a graphics library works, else drawn with matplotlib."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ftlib import plots
from ftlib.robot.arm import HALF_BLOCK, Arm
from ftlib.robot.rollouts import Episode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 240, 200
CAMERA = {"distance": 1.42, "azimuth": 140.0, "elevation": -16.0, "lookat": (1.25, 0.75, 0.66)}
BACKENDS = ("egl", "osmesa")
PROBE_SECONDS = 60
GOAL_RADIUS = 0.036
ORANGE, PINK = (1.0, 0.55, 0.0, 1.0), (1.0, 0.0, 0.7, 0.7)  # through the goal one sees a block that is there
SPAN = 0.49  # metres that a drawing shows on each side of its middle
TABLE = (1.05, 1.55), (0.4, 1.1), (0.0, 0.4)  # metres: from and to, in x, y and z
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
        with suppress(ImportError):  # an optimizer loads Triton, whose LLVM crashes where Mesa's came first
            import triton  # noqa: F401
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

        fig = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
        FigureCanvasAgg(fig)
        ax = fig.add_axes((0, 0, 1, 1), projection="3d", computed_zorder=False)
        ax.view_init(elev=-CAMERA["elevation"], azim=CAMERA["azimuth"] - 180)
        for axis, middle in zip("xyz", CAMERA["lookat"], strict=True):
            ax.set(**{f"{axis}lim": (middle - SPAN, middle + SPAN)})
        ax.set_box_aspect((1, 1, 1), zoom=1.5)
        ax.set_axis_off()
        self._draw_table(ax)
        self._draw_arm(ax)
        self._draw_block_and_goal(ax)
        return fig

    def _draw_table(self, ax: Any) -> None:
        from mpl_toolkits.mplot3d.art3d import Poly3DCollection

        (left, right), (front, back), (floor, top) = TABLE
        corners = [(left, front), (right, front), (right, back), (left, back)]
        faces = [[(x, y, top) for x, y in corners]]
        for a, b in (corners[:2], corners[1:3]):  # the two sides that the camera sees
            faces.append([(*a, floor), (*b, floor), (*b, top), (*a, top)])
        ax.add_collection3d(Poly3DCollection(faces, facecolors=["#f0f0f0", "#a8a8a8", "#c4c4c4"], zorder=1))

    def _draw_arm(self, ax: Any) -> None:
        from matplotlib.patheffects import Normal, Stroke

        data = self.arm.env.data
        joints = np.array([data.body(name).xpos for name in JOINTS])
        ax.plot(*np.array([joints[0] * [1, 1, 0], joints[0]]).T, color="#bbbbbb", linewidth=22, zorder=0)  # its body
        outline = {"solid_capstyle": "round", "zorder": 3}
        for i, width in enumerate((10, 9, 9, 8, 8, 7, 5)):
            edge = [Stroke(linewidth=width + 2, foreground="#444444"), Normal()]
            ax.plot(*joints[i:i + 2].T, color="#dddddd" if i % 2 else "#0072B2", linewidth=width, path_effects=edge,
                    **outline)  # fmt: skip
        for side in "rl":
            finger = data.body(f"robot0:{side}_gripper_finger_link").xpos
            ax.plot(*np.array([joints[-1], finger, finger - [0, 0, 0.04]]).T, color="#333333", linewidth=3, **outline)

    def _draw_block_and_goal(self, ax: Any) -> None:
        goal, top = self.arm.goal, TABLE[2][1]
        ax.plot([goal[0]] * 2, [goal[1]] * 2, [top, goal[2]], ":", color=PINK, linewidth=1.5, zorder=2)
        if self.arm.has_block:
            edge = 2 * HALF_BLOCK * self.arm.world.size
            ax.bar3d(*(self.arm.where - edge / 2), edge, edge, edge, color=ORANGE, zorder=4)
        ax.plot(*goal[:, None], "o", color=PINK, markersize=9, zorder=5)
