"""``mvboot rig locate``: poses from landmarks, for cameras whose lenses are known."""

from mvboot.commands.from_settings import Asked, command
from mvboot.stages.settings.locate import LocateSettings


@command(LocateSettings, "mvboot rig locate")
def locate(asked: Asked[LocateSettings]) -> None:
    """Find the poses of cameras from landmarks that they share; lenses must be known."""
    from mvboot.stages.locate import Locate

    asked.run(Locate())
