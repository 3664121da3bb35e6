"""What a run without labels reads: pairs of views of one instant, all the pairs that there are."""

from collections.abc import Sequence
from itertools import combinations

from mvboot.datasets import Augmentation, Capture, Mirror, SampleReader
from mvboot.datasets.module import SampleDataset
from mvboot.datasets.sample import View
from mvboot.errors import InputError
from mvboot.inference.crops import unframed
from mvboot.training.batches import RunData
from mvboot.training.latent.settings import LatentSettings


class LatentData(RunData):
    """Batches ``{"views": Sample}`` of pairs of views; their relative pose is the rig's.

    Parameters
    ----------
    capture
        What was filmed. Of its keypoints only the front and the back are read, where they are
        labelled.
    settings
        The run.
    labelled
        Not used: there are no labels.

    Raises
    ------
    InputError
        Captures with labels; no instant with two cameras; no front and back of those names.
    """

    def __init__(
        self, capture: Capture, settings: LatentSettings, labelled: Sequence[Capture] = ()
    ) -> None:
        super().__init__(settings)
        self.settings: LatentSettings = settings
        if labelled:
            raise InputError("latent keypoints have no labels; put front and back into --data")
        capture = _with_ends(capture, settings.oriented)
        pairs = view_pairs(capture, capture.split("train").tolist(), capture.training_cameras)
        if not pairs:
            raise InputError(
                "no training frame was filmed by two cameras that train; the relative pose of two "
                "views is what keypoints are learned from",
                where=capture.folder,
            )
        self.warnings = _checked(capture, pairs, settings)
        self.views = SampleDataset(self._reader(capture, True), pairs, settings.seed)
        held = capture.split("validation").tolist() or capture.split("train").tolist()
        self.validation = SampleDataset(
            self._reader(capture, False),
            view_pairs(capture, held, capture.cameras),
            settings.seed,
        )

    def _reader(self, capture: Capture, augmented: bool) -> SampleReader:
        settings = self.settings
        return SampleReader(
            capture.labelled_by(()),  # fields are not read
            settings.size,
            settings.stride,
            settings.margin,
            individual=None if capture.keypoints is None else settings.individual,
            augmentation=Augmentation(flip=settings.flip) if augmented else None,
            mirror=Mirror({}),  # a front and a back are their own mirror images
        )


def view_pairs(
    capture: Capture, frames: Sequence[int], cameras: Sequence[str]
) -> list[tuple[View, ...]]:
    """Return all pairs of views of one instant: from all around, as in the paper."""
    return [
        (View(a, frame), View(b, frame))
        for frame in frames
        for a, b in combinations([c for c in cameras if capture.has(c, frame)], 2)
    ]


def _with_ends(capture: Capture, oriented: tuple[str, str] | None) -> Capture:
    """Return a capture that has no keypoints but its front and back, if they are asked for."""
    if oriented is None:
        return capture.with_keypoints(None)
    if capture.keypoints is None:
        raise InputError(
            f"has no keypoints, so that nothing says where {' and '.join(oriented)} (oriented) "
            "are; label them in some pictures, or train without",
            where=capture.folder,
        )
    return capture.with_keypoints(capture.keypoints.for_keypoints({n: n for n in oriented}))


def _checked(
    capture: Capture, pairs: Sequence[tuple[View, ...]], settings: LatentSettings
) -> tuple[str, ...]:
    """Return what a user should know; InputError where nothing says front and back."""
    views = list(dict.fromkeys(view for pair in pairs for view in pair))
    found = list(unframed(capture, views))
    without = sum(not capture.has_mask(*view) for view in views)
    if without:
        found.append(
            f"{capture.folder}: {without} of {len(views)} pictures have no mask (masks/); nothing "
            "keeps keypoints on the subject there"
        )
    if settings.oriented is None:
        found.append(
            "nothing says front and back (oriented=[FRONT,BACK]): keypoints of a subject whose "
            "sides look alike may change sides from view to view"
        )
        return tuple(found)
    if not any(capture.has_keypoints(*view) for view in views):
        raise InputError(
            f"no picture that trains has labels of {' and '.join(settings.oriented)} (oriented)",
            where=capture.folder,
        )
    return tuple(found)
