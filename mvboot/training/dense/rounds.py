"""Rounds of bootstrapping: the network labels the views that have no label, and learns from them.

A round begins with the averaged network as it is then, the teacher at first. Its labels lie in the
folder of the run (``rounds/01/fields``), so that a run that is resumed in the middle of a round
goes on with the same ones.
"""

from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mvboot.config import dump_yaml, load_yaml
from mvboot.datasets import Capture, View
from mvboot.datasets.layout import FIELDS
from mvboot.errors import InputError, NothingUsable
from mvboot.fields import DenseField
from mvboot.files import atomic_folder
from mvboot.inference.fields import predicted, store
from mvboot.metrics import chosen_vertices
from mvboot.networks import DenseNetwork
from mvboot.template import Template
from mvboot.training.dense.relabel import lifted, relabelled
from mvboot.training.dense.settings import TrainSettings

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

SUMMARY = "round.yaml"
FEWEST = 20
"""Cells below which a picture's labels are left out: its crop would follow them."""


class Round(BaseModel):
    """What the labels of a round are: views that got some, points sought, lifted, and how well."""

    round: int
    views: int
    points: int
    accepted: int
    error_px: float | None

    @property
    def figures(self) -> dict[str, float]:
        """All that is known, by name."""
        return {name: float(v) for name, v in self.model_dump().items() if v is not None}

    def __str__(self) -> str:
        """Say it in a line."""
        error = "" if self.error_px is None else f", median reprojection error {self.error_px:.2f}"
        return (
            f"round {self.round}: {self.views} views relabelled, {self.accepted} of {self.points} "
            f"points lifted{error} px"
        )


@dataclass(frozen=True)
class Rounds:
    """Which round a step of a run belongs to, and the labels of each.

    Parameters
    ----------
    settings
        The run. Its epochs are split evenly over the rounds; an epoch is never split.
    capture
        What was filmed; pictures that count as labelled in it keep their labels.
    """

    settings: TrainSettings
    capture: Capture

    def at(self, step: int) -> int:
        """Return the number of the round, from 1, that a step belongs to."""
        rounds = range(1, self.settings.bootstrapping.rounds + 1)
        return max(number for number in rounds if self.first_step(number) <= step)

    def first_step(self, number: int) -> int:
        """Return the step with which a round begins."""
        settings = self.settings
        epochs = -(-settings.steps // settings.validate_every)
        return (number - 1) * epochs // settings.bootstrapping.rounds * settings.validate_every

    def label(self, number: int, network: DenseNetwork, folder: Path) -> Round:
        """Label all training views that have no label and write the fields of a round.

        ``folder`` is that of all rounds. The same network writes the same labels.
        NothingUsable where no point of the surface was found in enough views.
        """
        with atomic_folder(folder / f"{number:02d}", overwrite=True) as partial:
            found = self._label(number, network, partial / FIELDS)
            if not found.views:
                raise NothingUsable(
                    f"round {number}: of {found.points} points {found.accepted} were lifted, and "
                    "none labels a view; the teacher's fields of one instant do not agree. Train "
                    "it longer, or raise bootstrapping.cells"
                )
            dump_yaml(found.model_dump(), partial / SUMMARY)
        return found

    def read(self, number: int, folder: Path) -> Round:
        """Return what the labels of a round are; InputError where they are not all there."""
        path = folder / f"{number:02d}" / SUMMARY
        if not path.is_file():
            raise InputError(
                f"the labels of round {number} are gone, so that the run cannot go on exactly; "
                "start it anew",
                where=path.parent,
            )
        return load_yaml(path, Round)

    def views(self, number: int, folder: Path) -> tuple[Capture, list[tuple[View, ...]]]:
        """Return the capture with the labels of a round in place of its own, and their views."""
        capture = self.capture.relabelled(folder / f"{number:02d}" / FIELDS)
        return capture, [(view,) for view in self._views() if capture.is_labelled(*view)]

    def _views(self) -> list[View]:
        capture = self.capture
        return [
            View(camera, frame)
            for frame in capture.split("train").tolist()
            for camera in capture.training_cameras
            if capture.has(camera, frame)
        ]

    def _label(self, number: int, network: DenseNetwork, folder: Path) -> Round:
        template = self.capture.template
        assert template is not None
        vertices = chosen_vertices(template, self.settings.bootstrapping.points)
        views, points, errors = 0, 0, [np.zeros(0)]
        for _, instant in groupby(self._views(), attrgetter("frame")):
            found, fields = self._instant(list(instant), network, template, vertices)
            views += len(fields)
            points += len(vertices)
            errors.append(found)
            for field in fields:
                store(field, folder)
        error = np.concatenate(errors)
        median = float(np.median(error)) if len(error) else None
        return Round(round=number, views=views, points=points, accepted=len(error), error_px=median)

    def _instant(
        self, views: list[View], network: DenseNetwork, template: Template, vertices: IntArray
    ) -> tuple[Floats, list[DenseField]]:
        """Return the errors in px of what was lifted at one instant, and the fields it labels."""
        capture, settings = self.capture, self.settings
        unlabelled = [view for view in views if not capture.is_labelled(*view)]
        if len(views) < 2 or not unlabelled:
            return np.zeros(0), []
        guessed = predicted(network, capture, unlabelled, settings.size, settings.margin)
        guesses = {field.camera: field for field in guessed}
        fields: dict[str, DenseField] = {}
        for view in views:
            label = None if view.camera in guesses else capture.field(*view)
            fields[view.camera] = label or guesses[view.camera]
        cameras = {view.camera: capture.camera(*view) for view in views}
        side = float(np.median([field.grid.scale for field in guesses.values()]))
        rig = replace(capture.rig, cameras=cameras)
        points = lifted(fields, rig, template, vertices, settings.bootstrapping.cells * side)
        found = [relabelled(guesses[name], cameras[name], points) for name in guesses]
        return points.error_px, [field for field in found if field.known.sum() >= FEWEST]
