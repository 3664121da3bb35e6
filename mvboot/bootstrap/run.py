"""Bootstrapping from labels to rounds (Simon et al. 2017, Algorithm 1), each in its own folder.

Round i triangulates what the detector of round i - 1 finds, chooses frames, and learns from the
labels of people and from its own pseudo-labels: those of earlier rounds are dropped. Steps whose
files are there are not done again.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mvboot.bootstrap.bones import Bone
from mvboot.bootstrap.config import BootstrapSettings
from mvboot.bootstrap.detector import Detector
from mvboot.bootstrap.evaluation import Judge, wanted_views
from mvboot.bootstrap.review import Review, refused_frames, review_of
from mvboot.bootstrap.round import (
    DETECTIONS,
    LABELS,
    MODEL,
    POINTS,
    ROUND,
    SELECTION,
    Round,
    Selection,
    read_round,
    round_folder,
)
from mvboot.bootstrap.selection import REASONS, Chosen, Selector
from mvboot.bootstrap.verdict import verdict
from mvboot.config import load_yaml
from mvboot.datasets import Capture, View
from mvboot.datasets.labels import (
    labelled_pictures,
    of_views,
    on_axes,
    subject_size_px,
    united,
)
from mvboot.errors import InputError, NothingUsable
from mvboot.files import atomic_folder
from mvboot.formats.keypoints2d_table import read_keypoints2d, write_keypoints2d
from mvboot.formats.keypoints3d_table import write_keypoints3d
from mvboot.keypoints import Keypoints2D
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import KeypointGroups

ROUNDS = "rounds"
FEWEST_CAMERAS = 2


@dataclass(frozen=True)
class Bootstrapping:
    """A run that is prepared and checked; `rounds` does it.

    Parameters
    ----------
    settings
        What is asked.
    capture
        What was filmed. Its training frames and cameras are labelled anew, the others judge.
    labels
        Labels T0 of people, of one individual: pictures of training frames and cameras.
    held_out
        Labels of people that judge; only those of held-out frames count.
    detector
        What learns.
    groups, bones
        Keypoints that are triangulated together, and bones.
    """

    settings: BootstrapSettings
    capture: Capture
    labels: Keypoints2D
    held_out: Keypoints2D
    detector: Detector
    groups: KeypointGroups | None = None
    bones: tuple[Bone, ...] = ()

    def __post_init__(self) -> None:
        if len(self.capture.training_cameras) < FEWEST_CAMERAS:
            raise InputError(
                "bootstrapping needs two cameras that train, there is "
                f"{', '.join(self.capture.training_cameras)}",
                where=self.capture.folder,
            )
        for labels in (self.labels, self.held_out):
            if len(labels.individuals) != 1:
                raise InputError(
                    f"the labels are of {', '.join(labels.individuals)}; choose one individual"
                )
        if not labelled_pictures(self.labels).any():
            raise InputError("there is no labelled picture among the training frames and cameras")

    @cached_property
    def threshold_px(self) -> float:
        """How far from its detection a point may fall."""
        settings = self.settings
        if settings.threshold_px is not None:
            return settings.threshold_px
        return settings.threshold * subject_size_px(self.labels)

    @cached_property
    def judge(self) -> Judge:
        """What judges the rounds."""
        settings = self.settings
        options = TriangulationOptions(
            threshold_px=self.threshold_px, min_views=settings.min_views, seed=settings.seed
        )
        return Judge(self.capture, self.held_out, options, settings.min_confidence, self.groups)

    @cached_property
    def selector(self) -> Selector:
        """What chooses frames."""
        return Selector(
            self.settings, self.capture, self.threshold_px, self.groups, self.bones, self.labels
        )

    @cached_property
    def views(self) -> list[View]:
        """All pictures that the detector must look at."""
        return wanted_views(self.capture)

    def rounds(
        self, folder: Path, shown: Callable[[Selection, Path], bool] | None = None
    ) -> Iterator[Round]:
        """Yield round after round as it is finished, those that ``folder`` already has at once.

        Parameters
        ----------
        folder
            Of the run; round i lies in ``rounds/0i``.
        shown
            Is given what a round chose and its folder before it is learned from; False ends the
            run there, to be resumed.

        Raises
        ------
        InputError
            A damaged folder, or a detector that fails.
        NothingUsable
            A first round in which no frame is believed.
        """
        done: list[Round] = []
        for number in range(self.settings.rounds + 1):
            place = round_folder(folder / ROUNDS, number)
            if number and verdict(done, self.settings.rounds, self.settings.tolerance).stop:
                return
            if (place / ROUND).is_file():
                done.append(read_round(place))
                yield done[-1]
                continue
            selection = self._selected(number, place) if number else None
            if selection is not None:
                if not selection.chosen:
                    self._nothing(selection)
                    return
                if shown is not None and not shown(selection, place):
                    return
            done.append(self._trained(number, place, selection))
            yield done[-1]

    def _selected(self, number: int, place: Path) -> Selection:
        if (place / SELECTION).is_file():
            return load_yaml(place / SELECTION, Selection)
        before = round_folder(place.parent, number - 1)
        train = self.capture.split("train").tolist()
        detections = on_axes(
            read_keypoints2d(before / DETECTIONS), self.capture.training_cameras, train
        )
        refused = refused_frames(self._reviews(place.parent, number - 1))
        chosen = self.selector.choose(detections, refused)
        with atomic_folder(place, overwrite=True) as partial:
            write_keypoints3d(chosen.points, partial / POINTS)
            write_keypoints2d(chosen.labels, partial / LABELS)
            selection = _summed(number, chosen)
            selection.write(partial / SELECTION)
        return selection

    def _trained(self, number: int, place: Path, selection: Selection | None) -> Round:
        labels, refused = self.labels, frozenset[int]()
        if selection is not None:
            refused = refused_frames(self._reviews(place.parent, number))
            newest = read_keypoints2d(place / LABELS)
            kept = set(newest.frames.tolist()) - refused
            labels = united(labels, of_views(newest, newest.cameras, kept))
        shutil.rmtree(place / MODEL, ignore_errors=True)  # of a run that was interrupted
        (place / MODEL).mkdir(parents=True)
        before = None
        if number and self.settings.go_on:
            before = round_folder(place.parent, number - 1) / MODEL
        self.detector.train(labels, place / MODEL, before)
        found = self.detector.detect(place / MODEL, self.views)
        found = found.for_keypoints({name: name for name in labels.keypoints})
        frames = np.unique([view.frame for view in self.views]).tolist()
        detections = on_axes(found, self.capture.cameras, frames)
        write_keypoints2d(detections, place / DETECTIONS)
        judgement = self.judge.judged(detections)
        taken = 0 if selection is None else len(refused & set(selection.chosen))
        finished = Round(
            round=number,
            pictures=int(labelled_pictures(labels).sum()),
            refused=taken,
            selection=selection,
            held_out_px=judgement.held_out_px,
            pck=judgement.pck,
            median_px=judgement.median_px,
        )
        finished.write(place / ROUND)
        return finished

    def _reviews(self, rounds: Path, until: int) -> list[Review]:
        found = (review_of(round_folder(rounds, number)) for number in range(1, until + 1))
        return [review for review in found if review is not None]

    def _nothing(self, selection: Selection) -> None:
        """Say why a first round has nothing to learn from; a later one just ends the run."""
        if selection.round > 1:
            return
        raise NothingUsable(
            f"round 1: of {selection.frames} frames none is believed "
            f"({_counts(selection.rejected)}); {REMEDIES[selection.main_reason]}"
        )


REMEDIES = {
    "nothing triangulated": "the detector does not know the keypoints yet, or the rig does not fit "
    "the footage: label more pictures, run `mvboot rig check --keypoints`, or raise threshold_px",
    "review": "the review rejects them all",
    "inliers": "label more pictures, raise threshold_px, or lower heuristics.inliers",
    "confidence": "lower heuristics.confidence, if the detector is right but shy",
    "velocity": "raise heuristics.velocity, if the subject is that fast",
    "bones": "check the lengths in the file of bones, or raise heuristics.bones",
    "occlusion": "lower heuristics.occlusion and view_confidence, or add cameras",
}
"""What to do where a reason rejects all frames."""


def _counts(rejected: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in rejected.items() if count)


def _summed(number: int, chosen: Chosen) -> Selection:
    points, accepted = chosen.points, chosen.points.accepted
    rejected = {n: int(chosen.rejected[n].sum()) for n in REASONS if n in chosen.rejected}
    frames = len(points.frames)
    picked = np.flatnonzero(chosen.chosen)
    error = points.error_px[accepted]
    return Selection(
        round=number,
        frames=frames,
        points=accepted.size,
        accepted_points=int(accepted.sum()),
        error_px=float(np.median(error)) if len(error) else None,
        rejected=rejected,
        below=frames - sum(rejected.values()) - len(picked),
        chosen={int(points.frames[row]): float(chosen.scores[row]) for row in picked},
        pictures=int(labelled_pictures(chosen.labels).sum()),
        hidden_views=chosen.hidden_views,
        unsure_views=chosen.unsure_views,
    )
