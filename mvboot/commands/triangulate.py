"""``mvboot triangulate``: 2D keypoints of a calibrated rig to 3D keypoints."""

from typing import Annotated

from typer import Option

from mvboot.commands.from_settings import Asked, command
from mvboot.stages.settings.triangulate import TriangulateSettings

FailAbove = Annotated[
    float | None,
    Option(metavar="PX", help="Exit with 1 if the median reprojection error is larger."),
]


@command(TriangulateSettings, "mvboot triangulate")
def triangulate(asked: Asked[TriangulateSettings], fail_above: FailAbove = None) -> None:
    """Triangulate 2D keypoints robustly into metric 3D keypoints."""
    from mvboot.stages.triangulate import Triangulate

    with asked.hints():
        asked.run(Triangulate(fail_above))
