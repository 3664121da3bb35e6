"""The truth beside a synthetic capture."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets.layout import KEYPOINTS2D, KEYPOINTS3D, POSES, RIG_TRUE, TRUTH, CaptureFiles
from mvboot.errors import InputError
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.formats.rigs import load_rig
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.npz import read_npz
from mvboot.rig import Rig
from mvboot.template import Template, require_topology


@dataclass(frozen=True, eq=False)
class TruePoses:
    """Poses of I subjects at the nominal times of F frames, as `Template.posed` takes them.

    Parameters
    ----------
    topology
        () hash of their template, which is in metres.
    individuals
        (I,) names.
    times
        (F,) in s; a camera whose clock is off films a frame at another time.
    shapes
        (I, S).
    rotations, translations
        (I, F, B, 3) and (I, F, 3).
    """

    topology: NDArray[np.str_]
    individuals: NDArray[np.str_]
    times: NDArray[np.float64]
    shapes: NDArray[np.float64]
    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]

    def vertices(self, template: Template, frame: int) -> NDArray[np.float64]:
        """Return the meshes (I, V, 3) in a frame 0 .. F - 1.

        InputError for another frame, and for another template.
        """
        require_topology(template, str(self.topology))
        if not 0 <= frame < len(self.times):
            raise InputError(f"no pose in frame {frame}; there are 0 to {len(self.times) - 1}")
        turns, shifts = self.rotations[:, frame], self.translations[:, frame]
        return np.asarray(template.in_units("m").posed(turns, shifts, self.shapes))


@dataclass(frozen=True)
class Truth:
    """What a capture's pictures really show; each part is read when asked for.

    ``stated`` is the rig that the capture states.
    """

    files: CaptureFiles
    stated: Rig

    @cached_property
    def keypoints3d(self) -> Keypoints3D:
        """True 3D keypoints; InputError where there are none."""
        return read_keypoints3d(self._path(KEYPOINTS3D))

    @cached_property
    def rig(self) -> Rig:
        """The rig the pictures were made with; the stated one unless it was disturbed."""
        path = self._path(RIG_TRUE)
        return load_rig(path).subset(self.stated.names) if path.is_file() else self.stated

    def maps(self, camera: str, frame: int) -> dict[str, NDArray[Any]]:
        """Return the true maps of a picture by name, ``depth`` (h, w) among them.

        InputError for an unknown camera, where there are none, or the file is damaged.
        """
        self.stated[camera]
        path = self.files.maps_path(camera, frame)
        if not path.is_file():
            raise InputError(f"no true maps of camera {camera}, frame {frame}", where=path)
        return self._arrays(path)

    @cached_property
    def keypoints2d(self) -> Keypoints2D:
        """Exact keypoints of the pictures, confidence 1 or `HIDDEN`; InputError for none."""
        return read_keypoints2d(self._path(KEYPOINTS2D))

    @cached_property
    def poses(self) -> "TruePoses":
        """How the subjects stand; InputError where there is nothing about it."""
        return TruePoses(**self._arrays(self._path(POSES)))

    def points(self, camera: str, frame: int) -> NDArray[np.float64]:
        """Return where in the world each pixel of a picture lies (h, w, 3); NaN off the subject."""
        depth = self.maps(camera, frame)["depth"].astype(np.float64)
        height, width = depth.shape
        y, x = np.indices((height, width), dtype=np.float64)
        own = self.rig[camera].at(frame)
        origin, ray = own.ray(np.stack([x, y], -1))
        along = ray @ own.forward.numpy()
        return np.asarray(origin + ray * (depth / along)[..., None])

    @staticmethod
    def _arrays(path: Path) -> dict[str, NDArray[Any]]:
        return read_npz(path, "truth")

    def _path(self, name: str) -> Path:
        return self.files.folder / TRUTH / name
