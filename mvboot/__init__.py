"""mvboot: from a calibrated camera rig to dense, geometrically consistent keypoints.

The public names below are loaded on first use, so that importing the package (and asking the
command line for help) costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mvboot.errors import InputError as InputError
    from mvboot.formats import load_keypoints as load_keypoints
    from mvboot.formats import load_rig as load_rig
    from mvboot.formats import save_rig as save_rig
    from mvboot.geometry import Camera as Camera
    from mvboot.geometry import Pose as Pose
    from mvboot.keypoints import Keypoints2D as Keypoints2D
    from mvboot.keypoints import Keypoints3D as Keypoints3D
    from mvboot.rig import Rig as Rig
    from mvboot.stages.calibrate import calibrate as calibrate
    from mvboot.stages.surface import surface as surface
    from mvboot.stages.train import train as train
    from mvboot.stages.triangulate import triangulate as triangulate

__version__ = "0.1.0"

_HOME_OF = {
    "Camera": "mvboot.geometry",
    "Pose": "mvboot.geometry",
    "Rig": "mvboot.rig",
    "Keypoints2D": "mvboot.keypoints",
    "Keypoints3D": "mvboot.keypoints",
    "load_rig": "mvboot.formats",
    "save_rig": "mvboot.formats",
    "load_keypoints": "mvboot.formats",
    "InputError": "mvboot.errors",
    "calibrate": "mvboot.stages.calibrate",
    "surface": "mvboot.stages.surface",
    "train": "mvboot.stages.train",
    "triangulate": "mvboot.stages.triangulate",
}
__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mvboot' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
