"""Label3D ``*dannce.mat``: the 2D labels of all cameras, in one file with the cameras.

``labelData{camera}.data_2d`` is (frames, 2 K) as x1 y1 x2 y2 ... The file does not name its
keypoints (``keypoint_00`` ...) unless it holds a skeleton.
Labels have no confidence and count as certain.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.dannce import camera_names
from mvboot.formats.detection_format import (
    CameraDetections,
    DetectionFormat,
    clean,
    require_one,
)
from mvboot.formats.mat import cells, read_mat, variables
from mvboot.keypoints import Keypoints2D


def _matches(path: Path) -> bool:
    return path.suffix == ".mat" and "labelData" in variables(path)


def _read(path: Path) -> Mapping[str, CameraDetections]:
    content = read_mat(path)
    if "labelData" not in content:
        raise InputError("has no variable `labelData` with labels", where=path)
    labels = cells(content["labelData"])
    names = camera_names(content, len(labels), path)
    try:
        if not all(isinstance(entry, dict) for entry in labels):
            raise ValueError("a camera's labels are no struct")
        clock = _clock(labels)
        return {
            name: _camera(entry, clock, content, path)
            for name, entry in zip(names, labels, strict=True)
        }
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"labelData is not as Label3D writes it ({said})", path) from None


def _clock(labels: list[dict[str, Any]]) -> str:
    """Return the variable that numbers frames alike in all cameras.

    ``data_frame`` counts each video's own frames; where videos started apart, ``data_sampleID``
    is the common clock.
    """
    numbers = [np.ravel(entry["data_frame"]) for entry in labels]
    alike = all(np.array_equal(numbers[0], other) for other in numbers)
    return "data_frame" if alike else "data_sampleID"


def _camera(
    entry: dict[str, Any], clock: str, content: dict[str, Any], path: Path
) -> CameraDetections:
    data = np.asarray(entry["data_2d"], dtype=np.float64)
    if data.ndim != 2 or data.shape[1] % 2:
        raise ValueError(f"data_2d has the shape {data.shape}, not (frames, 2 x keypoints)")
    xy = data.reshape(len(data), 1, -1, 2)
    stated = np.ravel(entry[clock]).astype(np.float64)
    if not (np.isfinite(stated).all() and (stated == np.round(stated)).all()):
        raise ValueError(f"{clock} holds something that is no frame number")
    frames = stated.astype(np.int64)
    if len(frames) != len(xy):
        raise ValueError(f"{len(xy)} frames of labels, {len(frames)} frame numbers")
    order = np.argsort(frames, kind="stable")
    if (np.diff(frames[order]) == 0).any():
        raise InputError("has two labels of one frame", where=path)
    xy, confidence = clean(xy[order], np.ones(xy.shape[:-1]), path)
    keypoints = _keypoints(content, xy.shape[2])
    return CameraDetections(frames[order], ("individual_0",), keypoints, xy, confidence, True)


def _keypoints(content: dict[str, Any], count: int) -> tuple[str, ...]:
    skeleton = content.get("skeleton")
    if isinstance(skeleton, dict) and "joint_names" in skeleton:
        names = [str(name) for name in cells(skeleton["joint_names"])]
        if len(names) == count:
            return tuple(names)
    return tuple(f"keypoint_{i:02d}" for i in range(count))


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write ``label3d_dannce.mat`` with the labels; its cameras are a rig's, format `dannce`."""
    require_one(keypoints, "a Label3D file")
    labels = np.empty((len(keypoints.cameras), 1), dtype=object)
    names = np.empty((1, len(labels)), dtype=object)
    frames = keypoints.frames[:, None].astype(np.float64)
    for c, name in enumerate(keypoints.cameras):
        data = keypoints.xy[c].reshape(len(frames), -1)
        names[0, c] = name
        labels[c, 0] = {"data_2d": data, "data_frame": frames, "data_sampleID": frames}
    joints = np.array(keypoints.keypoints, dtype=object)[:, None]
    with atomic_file(folder / "label3d_dannce.mat") as partial:
        savemat(
            partial, {"labelData": labels, "camnames": names, "skeleton": {"joint_names": joints}}
        )


FORMAT = DetectionFormat("label3d", "Label3D .mat", _matches, read_all=_read, write=_write)
