"""``mvboot synth``: a synthetic capture with all of its truth."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import listed, resolved
from mvboot.stages.output import Output

Overrides = Annotated[
    list[str] | None,
    Argument(
        metavar="[KEY=VALUE]...",
        help="Settings by name, as faults.desync_s=0.01 or place=gym; docs/synth.md lists them.",
    ),
]
Out = Annotated[Path, Option(help="Capture folder to write.")]
Template = Annotated[
    str | None, Option(help="body, quadruped, or a template file with bones. [default: body]")
]
Rig = Annotated[
    str | None,
    Option(
        help="ring, dome, random, pair, fisheye, moving, or a rig file with z up. [default: ring]"
    ),
]
Cameras = Annotated[int | None, Option(help="Number of cameras. [default: 8]")]
Frames = Annotated[int | None, Option(help="Frames of each camera. [default: 100]")]
Size = Annotated[str | None, Option(metavar="PX|WxH", help="Size of the pictures. [default: 256]")]
Subjects = Annotated[int | None, Option(help="Number of individuals. [default: 1]")]
Gait = Annotated[
    str | None, Option(help="walk, run, sit, trot, ...: what they do. [default: several things]")
]
DetectorOption = Annotated[
    bool, Option("--detector", help="Let keypoints.parquet have the faults of a detector.")
]
HeldOut = Annotated[str | None, Option(help="Cameras that never train, comma-separated.")]
Labelled = Annotated[
    int | None, Option(help="How many training frames count as labelled. [default: all]")
]
Seed = Annotated[int | None, Option(help="Decides everything. [default: 0]")]
Processes = Annotated[int, Option(help="How many work at once; the files are the same.", min=1)]
Config = Annotated[Path | None, Option(help="YAML file with any of these settings.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier capture.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be written, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def synth(
    out: Out,
    overrides: Overrides = None,
    template: Template = None,
    rig: Rig = None,
    cameras: Cameras = None,
    frames: Frames = None,
    size: Size = None,
    subjects: Subjects = None,
    gait: Gait = None,
    detector: DetectorOption = False,
    held_out: HeldOut = None,
    labelled: Labelled = None,
    seed: Seed = None,
    processes: Processes = 1,
    config: Config = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Render a synthetic capture: people or animals before cameras, with exact truth."""
    from mvboot.stages.synth import picture_size, plan, run
    from mvboot.synthetic.studio.settings import SynthSettings

    given: dict[str, Any] = {
        "template": template,
        "rig": rig,
        "cameras": cameras,
        "frames": frames,
        "size": None if size is None else picture_size(size),
        "subjects": subjects,
        "gait": gait,
        "detector": detector or None,
        "held_out_cameras": None if held_out is None else listed(held_out, "--held-out"),
        "labelled": labelled,
        "seed": seed,
    }
    settings = resolved(SynthSettings, given, config, overrides, "mvboot synth")
    say = Output(as_json)
    if dry_run:
        say.result(plan(settings, out, overwrite, say))
        return
    say.result(run(settings, out, overwrite, processes, say))
