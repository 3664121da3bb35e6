"""``mvboot calibrate``: a rig from pictures or videos of a board."""

from typing import Annotated

from typer import Option

from mvboot.commands.from_settings import Asked, command
from mvboot.errors import InputError
from mvboot.stages.settings.calibrate import CalibrateSettings

FailAbove = Annotated[
    float | None, Option(metavar="PX", help="Exit with 1 if the error per axis is larger.")
]


@command(CalibrateSettings, "mvboot calibrate")
def calibrate(asked: Asked[CalibrateSettings], fail_above: FailAbove = None) -> None:
    """Calibrate a rig from synchronous footage of a board."""
    from mvboot.stages.calibrate import Calibrate
    from mvboot.stages.intrinsics import CalibrateAlone

    settings = asked.settings()
    if settings.poses and not settings.intrinsics_only:
        raise InputError("--poses belongs to --intrinsics-only")
    asked.run(CalibrateAlone(fail_above) if settings.intrinsics_only else Calibrate(fail_above))
