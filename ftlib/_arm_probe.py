"""Move the robot arm once and say how it can be drawn, as JSON: `ftlib.doctor` runs this apart."""

from __future__ import annotations

import json

from ftlib.robot import arm, views


def report() -> dict[str, str]:
    """``error``: why the simulator does not run, if so; ``pictures``: how they are made."""
    try:
        arm.Arm("reach").close()
    except arm.SimulatorMissing as problem:
        return {"error": str(problem), "pictures": ""}
    found = views.backend()
    pictures = f"rendered with {found}" if found else "drawn with matplotlib, since no graphics library works"
    return {"error": "", "pictures": pictures}


if __name__ == "__main__":
    print(json.dumps(report()))
