"""``mvboot rig refine``: a better rig from detections of its subject."""

from mvboot.commands.from_settings import Asked, command
from mvboot.stages.settings.refine import RefineSettings


@command(RefineSettings, "mvboot rig refine")
def refine(asked: Asked[RefineSettings]) -> None:
    """Refine poses from the subject's detections; refused where held-out frames get no better."""
    from mvboot.stages.refine import Refine

    with asked.hints():
        asked.run(Refine())
