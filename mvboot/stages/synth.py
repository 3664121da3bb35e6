"""The work of ``mvboot synth``."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.files import require_free
from mvboot.stages.output import Output
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.synthetic.studio.studio import Studio


def picture_size(text: str) -> tuple[int, int]:
    """Return (256, 256) for ``256``, (640, 480) for ``640x480``; InputError for anything else."""
    sides = text.lower().split("x")
    if not (len(sides) <= 2 and all(side.isdecimal() for side in sides)):
        raise InputError(f"--size {text!r} is neither a number of pixels nor WIDTHxHEIGHT")
    return int(sides[0]), int(sides[-1])


def plan(settings: SynthSettings, out: Path, overwrite: bool, say: Output) -> dict[str, Any]:
    """Say what would be written, after the same checks that a run makes."""
    require_free(out, overwrite)
    studio = Studio(settings)
    if studio.warning is not None:
        say.warn(studio.warning)
    frames = np.arange(settings.frames)
    filmed = {name: len(studio.filmed(name, frames)) for name in studio.rig.names}
    people = [member.name for member in studio.subjects.members]
    template = studio.subjects.template
    say.say(
        f"would write {sum(filmed.values())} pictures of {len(filmed)} cameras to {out}: "
        f"{template.name}, {', '.join(people)}, {len(template.keypoints)} keypoints"
    )
    return {"out": str(out), "pictures": filmed, "template": template.topology, "subjects": people}


def run(
    settings: SynthSettings, out: Path, overwrite: bool, processes: int, say: Output
) -> dict[str, Any]:
    """Film the capture and return the summary."""
    require_free(out, overwrite)
    started = time.monotonic()
    watched = partial(say.progress, total=settings.frames, label="filming")
    capture = synthesise(settings, out, overwrite, processes, watched, say.warn)
    counts = capture.check()
    summary: dict[str, Any] = {
        "out": str(out),
        "cameras": list(capture.cameras),
        "frames": len(capture.frames),
        **counts,
        "template": capture.topology,
        "seed": settings.seed,
        "seconds": round(time.monotonic() - started, 1),
    }
    say.say(
        f"{out}: {counts['pictures']} pictures of {len(capture.cameras)} cameras, "
        f"{len(capture.frames)} frames, in {summary['seconds']:g} s"
    )
    return summary
