"""``mvboot surface``: dense fields of a calibrated rig to metric surfaces."""

from mvboot.commands.from_settings import Asked, command
from mvboot.stages.settings.surface import SurfaceSettings


@command(SurfaceSettings, "mvboot surface")
def surface(asked: Asked[SurfaceSettings]) -> None:
    """Fit a template to dense fields, frame by frame: metric meshes and virtual markers."""
    from mvboot.stages.surface import MakeSurfaces

    asked.run(MakeSurfaces())
