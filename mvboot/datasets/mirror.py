"""Left and right: what the surface points and keypoints of a mirrored picture are called.

A mirrored picture of a person shows a person whose right hand looks like a left one, and a model
must call it that. So the names are swapped; the pixels are not: the crop knows that it is mirrored.
All views of a sample are mirrored together. Then one name means one place of the subject in all
of them, and the cameras hold for it as they do for the unmirrored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.template import Template

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEAR = 0.02
"""A keypoint is another's mirror image within this share of the template's extent."""


@dataclass(frozen=True, eq=False)
class Mirror:
    """The mirror image of every keypoint and of every point of the surface.

    Parameters
    ----------
    keypoints
        Mirror image of each keypoint by name; one that is not named is its own image.
    template
        What fields refer to; it must have a symmetry. None: there are no fields.
    complete
        Whether a keypoint that is not named is an error rather than its own image.

    Raises
    ------
    InputError
        A keypoint with two mirror images, a template without symmetry.
    """

    keypoints: Mapping[str, str]
    template: Template | None = None
    complete: bool = field(default=False)

    def __post_init__(self) -> None:
        for name, image in self.keypoints.items():
            if self.keypoints.get(image, name) != name:
                raise InputError(
                    f"keypoint {image} is the mirror image of {name} and of "
                    f"{self.keypoints[image]}; pair each once"
                )
        if self.template is not None and self.template.symmetry is None:
            raise InputError(
                f"the template {self.template.name!r} has no symmetry; train without flips"
            )

    @staticmethod
    def of_template(template: Template, pairs: Mapping[str, str] | None = None) -> "Mirror":
        """Return the mirror of a template and of its keypoints.

        ``pairs`` adds keypoints that the template does not have; others are refused later on.
        """
        if template.symmetry is None:
            return Mirror({}, template)  # raises
        found = dict(pairs or {})
        for name, image in _keypoint_images(template).items():
            found.setdefault(name, image)
        return Mirror(found, template, complete=True)

    def order(self, names: Sequence[str]) -> Ints:
        """Return the place of each keypoint's mirror image in ``names`` (K,).

        InputError where an image is not among them, or (of a template) not known.
        """
        both = {**{image: name for name, image in self.keypoints.items()}, **self.keypoints}
        unknown = [name for name in names if self.complete and name not in both]
        absent = [name for name in names if both.get(name, name) not in names]
        if unknown:
            raise InputError(
                f"the mirror image of keypoint {', '.join(unknown)} is not known: the template has "
                "no such keypoint, and no other has its name with left and right exchanged; train "
                "without mirrored samples (flip=0)"
            )
        if absent:
            raise InputError(
                f"keypoint {absent[0]} has the mirror image {both[absent[0]]}, but the keypoints "
                f"are {', '.join(names)}"
            )
        return np.array([list(names).index(both.get(name, name)) for name in names], np.int64)

    def of(self, seen: DenseField) -> DenseField:
        """Return a field with the names of the mirrored surface points on the same pixels.

        Charts follow the convention of `template.Charts`: the image of (part, u, v) is (its
        partner, 1 - u, v). InputError for another template, or one without what it takes.
        """
        if self.template is None:
            raise InputError("mirroring a dense field needs its template")
        seen.require_topology(self.template.topology)
        coordinates = seen.coordinates.copy()
        if seen.part is None:
            coordinates[seen.known] = self._embedded(coordinates[seen.known])
            return replace(seen, coordinates=coordinates)
        charts = self.template.charts
        if charts is None or charts.symmetry is None:
            raise InputError(f"the parts of template {self.template.name!r} have no symmetry")
        partner = np.concatenate([[0], charts.symmetry])
        if seen.part.max(initial=0) >= len(partner):
            raise InputError(
                f"the field of camera {seen.camera}, frame {seen.frame} has part "
                f"{seen.part.max()}, the template {len(partner) - 1}"
            )
        coordinates[seen.known, 0] = 1 - coordinates[seen.known, 0]
        return replace(seen, part=partner[seen.part].astype(np.uint8), coordinates=coordinates)

    def _embedded(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mirror points (n, D) of the embedding: exact at vertices, first order between them.

        The offset from the nearest vertex is turned by the orthogonal map that comes nearest to
        the symmetry of the whole.
        """
        points, images, tree, turn = self._table
        nearest = tree.query(values)[1]
        moved = images[nearest] + (values - points[nearest]) @ turn
        return np.asarray(moved, np.float32)

    @cached_property
    def _table(self) -> tuple[Floats, Floats, "cKDTree[None]", Floats]:
        template = self.template
        if template is None or template.embedding is None or template.symmetry is None:
            raise InputError("the template has no embedding")
        points, images = template.embedding, template.embedding[template.symmetry]
        left, _, right = np.linalg.svd((points - points.mean(0)).T @ (images - images.mean(0)))
        return points, images, cKDTree(points), left @ right


def _keypoint_images(template: Template) -> dict[str, str]:
    """Return the mirror image of every keypoint of a template that has one among them."""
    assert template.symmetry is not None
    vertices = template.vertices
    names = list(template.keypoints)
    if not names:
        return {}
    places = template.landmarks(vertices)
    images = template.landmarks(vertices[template.symmetry])
    gaps = np.linalg.norm(images[:, None] - places, axis=-1)
    nearest = gaps.argmin(1)
    extent = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    return {
        names[k]: names[j]
        for k, j in enumerate(nearest)
        if nearest[j] == k and gaps[k, j] < NEAR * extent
    }
