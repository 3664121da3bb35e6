"""Foreign formats: every difference of convention stops in this package."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mvboot.formats.detections import load_keypoints as load_keypoints
    from mvboot.formats.exports import save_keypoints3d as save_keypoints3d
    from mvboot.formats.rigs import load_rig as load_rig
    from mvboot.formats.rigs import save_rig as save_rig

_HOME_OF = {
    "load_keypoints": "mvboot.formats.detections",
    "load_rig": "mvboot.formats.rigs",
    "save_rig": "mvboot.formats.rigs",
    "save_keypoints3d": "mvboot.formats.exports",
}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mvboot.formats' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
