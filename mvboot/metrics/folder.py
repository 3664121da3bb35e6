"""A folder of dense fields, laid out like those of a capture: ``<camera>/<frame>.npz``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mvboot.datasets import Capture
from mvboot.datasets.footage import numbered_files
from mvboot.datasets.layout import FIELDS
from mvboot.errors import InputError
from mvboot.fields import DenseField, read_field


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
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError("no such folder of fields", where=folder)
        inner = folder / FIELDS if (folder / FIELDS).is_dir() else folder
        if not any(path.is_dir() for path in inner.iterdir()):
            raise InputError("holds no fields; they lie in <camera>/<frame>.npz", where=inner)
        paths = numbered_files(inner)
        unknown = [name for name in paths if name not in capture.cameras]
        if unknown:
            raise InputError(
                f"has fields of camera {', '.join(unknown)}, but the capture's cameras are "
                f"{', '.join(capture.cameras)}",
                where=inner,
            )
        for name, frames in paths.items():
            alien = [frame for frame in frames if not capture.has(name, frame)]
            if alien:
                raise InputError(
                    f"is of frame {alien[0]}, which camera {name} of the capture did not film",
                    where=frames[alien[0]],
                )
        return FieldFolder(inner, paths)

    def require(self, cameras: tuple[str, ...]) -> None:
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

    def read(self, camera: str, frame: int, topology: str) -> DenseField:
        """Return a field; InputError for a damaged one, another picture's or another template's."""
        path = self.paths[camera][frame]
        field = read_field(path)
        if (field.camera, field.frame) != (camera, frame):
            raise InputError(
                f"is the field of camera {field.camera}, frame {field.frame}", where=path
            )
        field.require_topology(topology, path)
        return field
