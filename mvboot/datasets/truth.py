"""The truth beside a synthetic capture."""

import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets.layout import KEYPOINTS3D, RIG_TRUE, TRUTH, CaptureFiles
from mvboot.errors import InputError
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.formats.rigs import load_rig
from mvboot.keypoints import Keypoints3D
from mvboot.rig import Rig


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

        InputError where there are none, or the file is damaged.
        """
        path = self.files.maps_path(camera, frame)
        if not path.is_file():
            raise InputError(f"no true maps of camera {camera}, frame {frame}", where=path)
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"cannot be read ({error})", where=path) from None

    def _path(self, name: str) -> Path:
        return self.files.folder / TRUTH / name
