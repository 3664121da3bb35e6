"""What was done to detections before they were found: lateness, dropped frames, cropped pictures.

A detector sees the pictures it is given. If a camera's frames came late, were dropped, or were
cropped, its detections are of other instants and other pixels than the rig's; this puts them back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.timestamps import LEFT_OUT, read_instants
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.words import listed

OUTSIDE = 0.05
"""Share of a camera's detections that may lie outside its crop: detectors overshoot a little."""
Crop = tuple[float, float, float, float]


@dataclass(frozen=True)
class Alignment:
    """What must be undone; cameras are called as in the rig.

    Parameters
    ----------
    timestamps
        Table of the time of each frame (`timestamps`), frames counted from 0; None: equal frame
        numbers are the same instant.
    offsets
        Frames that a camera is late, by camera: its frame n shows what the others show at
        n - offset. With ``timestamps``, its frame n has the time that the table gives n - offset.
    crops
        x, y, width and height in px of the part of the calibrated picture that the detector saw,
        by camera: detections are moved by x, y.
    """

    timestamps: Path | None = None
    offsets: Mapping[str, int] = field(default_factory=dict)
    crops: Mapping[str, Crop] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self.timestamps or self.offsets or self.crops)

    @property
    def timed(self) -> bool:
        """Whether a table pairs the frames, so that files may have different numbers of them."""
        return self.timestamps is not None

    def check(self, rig: Rig) -> None:
        """Raise InputError for a camera the rig lacks and a crop outside the camera's picture."""
        for option, given in (("--offset", self.offsets), ("--crop", self.crops)):
            unknown = [name for name in given if name not in rig.names]
            if unknown:
                raise InputError(
                    f"{option}: the rig has no camera {listed(unknown)}; it has {listed(rig.names)}"
                )
        for name, (x, y, width, height) in self.crops.items():
            size = rig[name].size
            if size and not (x >= 0 and y >= 0 and x + width <= size[0] and y + height <= size[1]):
                raise InputError(
                    f"--crop {name}={x:g},{y:g},{width:g},{height:g} (x, y, width, height) does "
                    f"not lie in the camera's picture of {size[0]} x {size[1]} px"
                )

    def applied(self, found: Keypoints2D, rows: Mapping[str, int]) -> Keypoints2D:
        """Return the detections at the instants and pixels of the rig.

        Parameters
        ----------
        found
            Detections; cameras called as in the rig.
        rows
            Frames in the files of those cameras whose files count them (``source["rows"]``).

        Raises
        ------
        InputError
            A table that does not fit the detections (`read_instants`), detections outside the crop.
        """
        uncropped = self._uncropped(found)
        if not self.timed and not self.offsets:
            return uncropped
        return _at_instants(uncropped, self._instants(found, rows))

    def _uncropped(self, found: Keypoints2D) -> Keypoints2D:
        shift = np.zeros((len(found.cameras), 1, 1, 1, 2))
        for name, (x, y, width, height) in self.crops.items():
            if name not in found.cameras:
                continue
            c = found.cameras.index(name)
            seen = found.xy[c][found.present[c]]
            outside = ((seen < -0.5) | (seen > np.array([width, height]) - 0.5)).any(-1).mean()
            if len(seen) and outside > OUTSIDE:
                raise InputError(
                    f"--crop {name}: {100 * outside:.0f} % of its detections lie outside "
                    f"{width:g} x {height:g} px; are they in pixels of the whole picture already?"
                )
            shift[c] = x, y
        return found.shifted(shift)

    def _instants(
        self, found: Keypoints2D, rows: Mapping[str, int]
    ) -> dict[str, NDArray[np.int64]]:
        """Return the instant of each of ``found.frames`` (F,) by camera, or `LEFT_OUT`."""
        late = {name: found.frames - self.offsets.get(name, 0) for name in found.cameras}
        if self.timestamps is None:
            return {name: np.maximum(frames, LEFT_OUT) for name, frames in late.items()}
        counts = {name: rows.get(name) for name in found.cameras}
        table = read_instants(self.timestamps, counts)
        instants = {}
        for c, (name, frames) in enumerate(late.items()):
            seen = found.present[c].any((1, 2))
            beyond = found.frames[seen & (found.frames >= len(table[name]))]
            if len(beyond):
                raise InputError(
                    f"camera {name}: the table has {len(table[name])} rows, but there are "
                    f"detections of frame {beyond[0]}; frames count from 0",
                    where=self.timestamps,
                )
            known = (frames >= 0) & (frames < len(table[name]))
            instants[name] = np.full(len(frames), LEFT_OUT)
            instants[name][known] = table[name][frames[known]]
        return instants


AS_IT_IS = Alignment()
"""Nothing to undo."""


def _at_instants(found: Keypoints2D, instants: Mapping[str, NDArray[np.int64]]) -> Keypoints2D:
    """Return the detections with instants for frames; what no instant is stated for is left out."""
    seen = np.asarray(found.present.any((2, 3)))
    kept = {
        name: np.flatnonzero(seen[c] & (instants[name] != LEFT_OUT))
        for c, name in enumerate(found.cameras)
    }
    every = np.unique(np.concatenate([instants[name][rows] for name, rows in kept.items()]))
    if not len(every):
        raise InputError("no detection has an instant: do --timestamps and --offset fit them?")
    sources = np.full((len(found.cameras), len(every)), -1)
    for c, (name, rows) in enumerate(kept.items()):
        sources[c, np.searchsorted(every, instants[name][rows])] = rows
    return found.at_frames(every, sources)
