"""``mvboot capture``: a capture folder of one's own recording."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import crops, frame_words, listed, offsets, pairs, resolved
from mvboot.commands.output import Output
from mvboot.commands.triangulate import Crop, KeypointsFormat, Offset, Timestamps

Words = list[str] | None
Overrides = Annotated[Words, Argument(metavar="[KEY=VALUE]...", help="Settings by name.")]
Rig = Annotated[Path | None, Option(help="Rig file or folder, any known format.")]
Images = Annotated[str | None, Option(help="Picture files, a path with {camera}.")]
Videos = Annotated[str | None, Option(help="Videos, a path with {camera}.")]
Out = Annotated[Path | None, Option(help="Capture folder to write.")]
Keypoints = Annotated[
    str | None, Option(help="Detections that say where the subject is: a path with {camera}.")
]
Subject = Annotated[str | None, Option(help="Individual in the detections: its name, or largest.")]
MinConfidence = Annotated[
    float | None, Option(help="Ignore detections below this confidence. [default: 0]")
]
Landmark = Annotated[
    Words,
    Option(
        metavar="KEYPOINT=LANDMARK",
        help="Keep this keypoint under the name of the template's landmark, and none that is not "
        "named; repeatable. [default: all, as they are called]",
    ),
]
CameraMap = Annotated[
    Words, Option(metavar="FOUND=RIG", help="Pair camera names that differ; repeatable.")
]
Train = Annotated[
    str | None, Option(help="Frames that train, as 0..79. [default: all that do not validate]")
]
Validation = Annotated[
    str | None, Option(help="Frames that validate. [default: a fifth, in three blocks]")
]
HeldOut = Annotated[str | None, Option(help="Cameras that never train, comma-separated.")]
Template = Annotated[
    str | None, Option(help="body, quadruped, or a template file, to put beside it.")
]
Fps = Annotated[float | None, Option(help="Frames per second.")]
Config = Annotated[Path | None, Option(help="YAML file with any of these settings.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier capture.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def capture(
    overrides: Overrides = None,
    rig: Rig = None,
    images: Images = None,
    videos: Videos = None,
    out: Out = None,
    timestamps: Timestamps = None,
    keypoints: Keypoints = None,
    subject: Subject = None,
    min_confidence: MinConfidence = None,
    landmark: Landmark = None,
    camera_map: CameraMap = None,
    keypoints_format: KeypointsFormat = None,
    offset: Offset = None,
    crop: Crop = None,
    train: Train = None,
    validation: Validation = None,
    held_out: HeldOut = None,
    template: Template = None,
    fps: Fps = None,
    config: Config = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make a capture folder of a recording: pictures, rig, and where the subject is."""
    from mvboot.commands.capturing import CaptureConfig, run

    given: dict[str, Any] = {
        "rig": rig,
        "images": images,
        "videos": videos,
        "out": out,
        "timestamps": timestamps,
        "keypoints": keypoints,
        "subject": subject,
        "min_confidence": min_confidence,
        "landmarks": pairs(landmark, "--landmark", "KEYPOINT=LANDMARK"),
        "camera_map": pairs(camera_map, "--camera-map", "FOUND=RIG"),
        "keypoints_format": keypoints_format,
        "offset": offsets(offset),
        "crop": crops(crop),
        "train": frame_words(train),
        "validation": frame_words(validation),
        "held_out_cameras": None if held_out is None else listed(held_out, "--held-out"),
        "template": template,
        "fps": fps,
    }
    settings = resolved(CaptureConfig, given, config, overrides, "mvboot capture")
    say = Output(as_json)
    say.result(run(settings, overwrite, say))
