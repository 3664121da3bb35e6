"""``mvboot rig check``: what is wrong with a rig."""

from mvboot.commands.from_settings import Asked, command
from mvboot.errors import QualityMissed
from mvboot.stages.settings.check import CheckSettings


@command(CheckSettings, "mvboot rig check", common=("as_json",))
def check(asked: Asked[CheckSettings]) -> None:
    """Look for faults: equal, inverse or mixed-up poses, units, floor, shared view."""
    from mvboot.calib.scale import scale_words
    from mvboot.report.agreement import camera_rows, pair_rows
    from mvboot.stages.check import checked, described

    found, say = checked(asked.settings()), asked.say
    for warning in found.warnings:
        say.warn(warning)
    say.say(described(found.rig))
    say.say(scale_words(found.rig))
    if found.diagnosis is not None:
        say.table(camera_rows(found.diagnosis))
        say.say()
        say.table(pair_rows(found.diagnosis))
    for finding in found.findings:
        say.say(f"  {finding}")
    say.result(found.as_dict())
    if found.findings:
        noun = "fault" if len(found.findings) == 1 else "faults"
        raise QualityMissed(f"{asked.given['path']}: {len(found.findings)} {noun} found")
    say.say("no fault found")
