"""``mvboot capture``: a capture folder of one's own recording."""

from mvboot.commands.from_settings import Asked, command
from mvboot.stages.settings.capture import CaptureSettings


@command(CaptureSettings, "mvboot capture", ("overrides", "config", "overwrite", "as_json"))
def capture(asked: Asked[CaptureSettings]) -> None:
    """Make a capture folder of a recording: pictures, rig, and where the subject is."""
    from mvboot.stages.capture import run

    asked.say.result(run(asked.settings(), asked.overwrite, asked.say))
