"""The captures whose labels a run learns from, and whether they go together."""

from collections.abc import Callable, Sequence

from mvboot.datasets import Capture
from mvboot.datasets.layout import CAPTURE, TEMPLATE
from mvboot.datasets.sample import View
from mvboot.errors import InputError
from mvboot.template import Template
from mvboot.training.config import RunSettings

SHOWN = 8
"""Cameras that a message names."""


def common_template(sources: Sequence[Capture], capture: Capture) -> Template:
    """Return the one template of captures with labels, and of what was filmed, if it states one.

    InputError for a source without a template, and for two templates.
    """
    for source in sources:
        if source.template is None:
            raise InputError("has no template.npz, so that its labels mean nothing", source.folder)
    template = sources[0].template
    assert template is not None
    for other in (*sources, capture):
        if other.topology not in (None, template.topology):
            raise InputError(
                f"is of another template ({other.topology}) than {sources[0].folder / TEMPLATE} "
                f"({template.topology}); all captures of a run must be of one",
                where=other.folder / (CAPTURE if other.template is None else TEMPLATE),
            )
    return template


def of_template(capture: Capture, template: Template) -> Capture:
    """Return a capture with its own template, or with this one where it has none."""
    if capture.template is not None:
        return capture
    same = capture.labelled_by(capture.label_cameras)
    same.template = template  # read by the next to ask, in place of the file
    return same


def require_alike_keypoints(sources: Sequence[Capture]) -> None:
    """Raise InputError unless all captures have the same keypoints: one batch holds them all."""
    names = [() if s.keypoints is None else s.keypoints.keypoints for s in sources]
    for source, own in zip(sources, names, strict=True):
        if own != names[0]:
            odd = ", ".join(sorted(set(own) ^ set(names[0]))) or "in another order"
            raise InputError(
                f"its keypoints are not those of {sources[0].folder}: {odd}; labels are learned "
                "together where all keypoints, or none, are called the same",
                where=source.folder,
            )


def label_cameras(sources: Sequence[Capture], settings: RunSettings) -> tuple[str, ...]:
    """Return the cameras whose labels train; InputError for one that no capture trains with."""
    there = tuple(dict.fromkeys(name for s in sources for name in s.training_cameras))
    unknown = sorted(set(settings.label_cameras) - set(there))
    if unknown:
        raise InputError(
            f"label_cameras: {unknown[0]} is no camera that trains; there are {', '.join(there)}",
            where=", ".join(str(source.folder) for source in sources),
        )
    return settings.label_cameras or there


def unused(sources: Sequence[Capture], cameras: Sequence[str]) -> tuple[str, ...]:
    """Return a warning for each capture that trains with none of the cameras."""
    return tuple(
        f"{source.folder}: none of its labels is used; it has none of the label_cameras"
        for source in sources
        if not set(cameras) & set(source.training_cameras)
    )


def labelled_views(capture: Capture, cameras: Sequence[str]) -> list[tuple[View, ...]]:
    """Return the pictures with dense labels of those of the cameras that train, one a sample.

    InputError where it has such a camera, but no such picture.
    """
    advice = (
        "--task dense learns from such labels: give a capture that has them with --labels, "
        "such as mvboot synth renders"
    )
    if capture.keypoints is not None:
        advice += "; from the keypoints that are labelled here, --task keypoints learns"
    what = "a dense label (fields/, labelled:)"
    return _labelled(capture, cameras, capture.is_labelled, what, advice)


def marked_views(
    capture: Capture, cameras: Sequence[str], frames: Sequence[int] | None = None
) -> list[tuple[View, ...]]:
    """Return the same of pictures with labelled keypoints, of some frames if they are stated."""
    chosen = None if frames is None else frozenset(frames)

    def labelled(camera: str, frame: int) -> bool:
        return (chosen is None or frame in chosen) and capture.is_marked(camera, frame)

    return _labelled(capture, cameras, labelled, "a labelled keypoint (keypoints.parquet)")


def _labelled(
    capture: Capture,
    cameras: Sequence[str],
    is_labelled: Callable[[str, int], bool],
    what: str,
    advice: str = "",
) -> list[tuple[View, ...]]:
    chosen = [camera for camera in cameras if camera in capture.training_cameras]
    found: list[tuple[View, ...]] = [
        (View(camera, frame),)
        for frame in capture.split("train").tolist()
        for camera in chosen
        if capture.has(camera, frame) and is_labelled(camera, frame)
    ]
    if chosen and not found:
        raise InputError(
            f"no training frame of {_some(chosen)} has {what}{advice and f'. {advice}'}",
            where=capture.folder,
        )
    return found


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown}, ... ({len(names)} in all)"
