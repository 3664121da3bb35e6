"""What a run of keypoints reads: labelled pictures, and groups of views of one instant."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets import Augmentation, Capture, Mirror, Sample, SampleReader, sample_views
from mvboot.datasets.label_agreement import LabelAgreement
from mvboot.datasets.module import SampleDataset
from mvboot.datasets.sample import View
from mvboot.errors import InputError
from mvboot.inference.crops import framed, unframed
from mvboot.keypoints import Keypoints2D
from mvboot.sides import left_right_pairs, without_partner
from mvboot.training.batches import RunData, validation_views
from mvboot.training.keypoints.settings import KeypointSettings
from mvboot.training.sources import (
    label_cameras,
    marked_views,
    require_alike_keypoints,
    unused,
)


class KeypointData(RunData):
    """Batches ``{"labelled": Sample}``, with ``"views"`` where views of one instant train.

    Parameters
    ----------
    capture
        What was filmed.
    settings
        The run.
    labelled
        Captures whose keypoints are used instead, each picture equally often; none: its own. One
        of the same folder with other keypoints (`Capture.with_keypoints`) is how labels of any
        origin train; the capture's own still validate.

    Raises
    ------
    InputError
        No keypoints or of several names, no labelled picture of the chosen cameras, no group of
        cameras, several individuals.
    """

    def __init__(
        self, capture: Capture, settings: KeypointSettings, labelled: Sequence[Capture] = ()
    ) -> None:
        super().__init__(settings)
        self.settings: KeypointSettings = settings
        sources = tuple(labelled) or (capture,)
        for source in sources:
            if source.keypoints is None:
                raise InputError(
                    "has no keypoints to learn from; give --labels, or make the capture with "
                    "mvboot capture --keypoints",
                    where=source.folder,
                )
        require_alike_keypoints(sources)
        self.names = _names(sources[0])
        cameras = label_cameras(sources, settings)
        self.mirrors, note = _mirrors(self.names, settings)
        images = Mirror(_images(self.names, settings) if self.mirrors else {})
        self.mirror_order = images.order(self.names)
        self.agreement = LabelAgreement.unknown()
        self.labelled = self._labelled(sources, cameras)
        self.warnings = (*unused(sources, cameras), *note)
        if settings.sees_views:
            groups, warnings = sample_views(capture, "train", settings.matching.views)
            known = self._known(capture, sources, cameras)
            self.warnings += (*warnings, *self._unframed(known, groups), *self._agree(known))
            self.views = SampleDataset(self._reader(known, True), groups, settings.seed + 1)
        self.validation = SampleDataset(
            self._reader(capture, augmented=False),
            validation_views(capture, settings.matching.views),
            settings.seed,
        )

    def same_spots(self, sample: Sample) -> NDArray[np.bool_]:
        """Return whether each keypoint of views (n, K) means the same spot as in other views."""
        plain = self.agreement.same_spot([view.camera for view in sample.views], self.names)
        turned = sample.mirrored.cpu().numpy()[:, None]
        return np.where(turned, plain[:, self.mirror_order], plain)

    @property
    def is_held_out(self) -> bool:
        """Whether `validation` is of frames that do not train."""
        capture = self.validation.readers[0].capture
        return len(capture.split("validation")) > 0

    def _labelled(self, sources: Sequence[Capture], cameras: Sequence[str]) -> SampleDataset:
        first, *others = [
            (
                self._reader(source, augmented=True),
                marked_views(source, cameras, self.settings.label_frames),
            )
            for source in sources
        ]
        found = SampleDataset(*first, self.settings.seed)
        for reader, views in others:
            found.extend(reader, views)
        wanted = self.settings.label_frames or ()
        missing = sorted({*wanted} - {view.frame for (view,) in found.views})
        if missing:
            raise InputError(
                f"label_frames: frame {missing[0]} has no label in {', '.join(cameras)}, or does "
                "not train"
            )
        return found

    def _known(
        self, capture: Capture, sources: Sequence[Capture], cameras: Sequence[str]
    ) -> Capture:
        """Return what was filmed with the labels that train, and no others."""
        folder = capture.folder.resolve()
        own = next((s for s in sources if s.folder.resolve() == folder), None)
        if own is None or own.keypoints is None:
            return capture.with_keypoints(None)
        views = {view for (view,) in marked_views(own, cameras, self.settings.label_frames)}
        return capture.with_keypoints(_only(own.keypoints, views))

    def _agree(self, known: Capture) -> tuple[str, ...]:
        """Find out which labels mean the same spot in every view; return a warning of the others.

        InputError where views must be matched and nothing is left to match.
        """
        settings = self.settings
        if known.keypoints is None or not settings.compares:
            return ()
        labels = known.keypoints
        own = labels if settings.individual is None else labels.of(settings.individual)
        self.agreement = LabelAgreement.of(known.rig, own, settings.agreement)
        warning = self.agreement.warning("these are not compared with other views")
        same = self.agreement.same_spot(known.training_cameras, self.names)
        if (same.sum(0) < 2).all():
            raise InputError(f"{warning}; nothing is left to compare", where=known.folder)
        return () if warning is None else (warning,)

    def _reader(self, capture: Capture, augmented: bool) -> SampleReader:
        settings = self.settings
        names = () if capture.keypoints is None else capture.keypoints.keypoints
        images = _images(names, settings)
        flip = settings.flip if self.mirrors else 0.0
        return SampleReader(
            framed(capture, settings.crops).labelled_by(()),  # fields are not read
            settings.size,
            settings.stride,
            settings.margin,
            individual=settings.individual if names else None,
            augmentation=Augmentation(flip=flip) if augmented else None,
            mirror=Mirror(images),
        )

    def _unframed(self, capture: Capture, groups: Sequence[tuple[View, ...]]) -> tuple[str, ...]:
        """Return a warning where crops about the subject are mixed with whole pictures."""
        if self.settings.crops == "picture":
            return ()
        return unframed(capture, list(dict.fromkeys(view for group in groups for view in group)))


def _names(source: Capture) -> tuple[str, ...]:
    assert source.keypoints is not None
    return source.keypoints.keypoints


def _images(names: Sequence[str], settings: KeypointSettings) -> dict[str, str]:
    """Return the mirror image of those keypoints that have another, and of those that are told."""
    told = {left: right for left, right in settings.pairs.items() if {left, right} <= {*names}}
    both = {*told, *told.values()}
    return told | {a: b for a, b in left_right_pairs(names).items() if not {a, b} & both}


def _mirrors(names: Sequence[str], settings: KeypointSettings) -> tuple[bool, tuple[str, ...]]:
    """Return whether samples are mirrored, and why not where it was wanted."""
    unknown = sorted({*settings.pairs, *settings.pairs.values()} - {*names})
    if unknown:
        raise InputError(f"pairs: there is no keypoint {unknown[0]}; there are {', '.join(names)}")
    if settings.flip == 0:
        return False, ()
    images = _images(names, settings)
    alone = [name for name in without_partner(names) if name not in images]
    if images and not alone:
        return True, ()
    why = f"{alone[0]} has no other side" if alone else "no two of them are left and right"
    return False, (
        f"pictures are not mirrored: of the keypoints, {why}. Say which with pairs.LEFT=RIGHT (a "
        "keypoint on the middle is its own pair), or set flip=0",
    )


def _only(keypoints: Keypoints2D, views: set[View]) -> Keypoints2D:
    """Return the keypoints of some pictures; the others become missing."""
    keep = np.zeros(keypoints.shape, bool)
    for c, camera in enumerate(keypoints.cameras):
        keep[c] = np.array([View(camera, f) in views for f in keypoints.frames.tolist()])[
            :, None, None
        ]
    return keypoints.where(keep)
