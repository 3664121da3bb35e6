"""A folder of dense fields, laid out like those of a capture: ``<camera>/<frame>.npz``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from mvboot.datasets import Capture
from mvboot.datasets.footage import numbered_files
from mvboot.datasets.layout import FIELDS
from mvboot.errors import InputError
from mvboot.fields import DenseField, read_field
from mvboot.formats.detections import respelled


@dataclass(frozen=True)
class FieldFolder:
    """Fields of a capture's pictures, read when asked for.

    Parameters
    ----------
    folder
        Where they are, for people.
    paths
        Their files by camera and frame.
    """

    folder: Path
    paths: Mapping[str, Mapping[int, Path]]

    @staticmethod
    def open(folder: str | Path, capture: Capture) -> "FieldFolder":
        """List the fields in a folder, or in its ``fields/`` where it has one.

        Raises
        ------
        InputError
            No folder, nothing in it, or fields of cameras or frames that the capture has not.
        """
        found = FieldFolder.of_cameras(folder, capture.cameras, "the capture's cameras are")
        for name, frames in found.paths.items():
            alien = [frame for frame in frames if not capture.has(name, frame)]
            if alien:
                raise InputError(
                    f"is of frame {alien[0]}, which camera {name} of the capture did not film",
                    where=frames[alien[0]],
                )
        return found

    @staticmethod
    def of_cameras(
        folder: str | Path, cameras: Collection[str], named: str = "the cameras are"
    ) -> "FieldFolder":
        """List the fields in a folder as `open` does, of cameras that need not be a capture's.

        InputError for no folder, nothing in it, or fields of other cameras; ``named`` introduces
        those that there are.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError("no such folder of fields", where=folder)
        inner = folder / FIELDS if (folder / FIELDS).is_dir() else folder
        if not any(path.is_dir() for path in inner.iterdir()):
            raise InputError("holds no fields; they lie in <camera>/<frame>.npz", where=inner)
        found = numbered_files(inner)
        names = respelled(tuple(cameras), tuple(found))
        paths = {names.get(name, name): files for name, files in found.items()}
        unknown = [name for name in paths if name not in cameras]
        if unknown:
            raise InputError(
                f"has fields of camera {', '.join(unknown)}, but {named} {', '.join(cameras)}",
                where=inner,
            )
        return FieldFolder(inner, paths)

    @property
    def frames(self) -> list[int]:
        """Frames of which any camera has a field, increasing."""
        return sorted({frame for frames in self.paths.values() for frame in frames})

    def require(self, cameras: Collection[str]) -> None:
        """Raise InputError unless there are fields of each of these cameras."""
        missing = [name for name in cameras if not self.paths.get(name)]
        if missing:
            raise InputError(
                f"has no fields of camera {', '.join(missing)}, only of {', '.join(self.paths)}; "
                "make them, or choose cameras with --cameras",
                where=self.folder,
            )

    def has(self, camera: str, frame: int) -> bool:
        """Whether there is a field of a picture."""
        return frame in self.paths.get(camera, {})

    def read(self, camera: str, frame: int, topology: str | None = None) -> DenseField:
        """Return a field; InputError for a damaged one, another picture's or another template's.

        Without a ``topology`` it may refer to any template.
        """
        path = self.paths[camera][frame]
        field = read_field(path)
        if (field.camera, field.frame) != (camera, frame):
            raise InputError(
                f"is the field of camera {field.camera}, frame {field.frame}, not of {camera}, "
                f"frame {frame}; put it where it belongs",
                where=path,
            )
        if topology is not None:
            field.require_topology(topology, path)
        return field
