"""Keypoints of a capture's pictures by a trained network."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.datasets import Capture, SampleReader, View
from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D
from mvboot.networks import DenseNetwork, KeypointTarget

Floats = NDArray[np.float64]

SUBJECT = "subject"
"""What the one individual is called where nothing names it."""


class Detection(NamedTuple):
    """The K keypoints of a picture.

    ``xy`` (K, 2) and ``covariance`` (K, 2, 2) in px of the original, ``confidence`` (K,).
    """

    view: View
    xy: Floats
    covariance: Floats
    confidence: Floats


def detected(
    network: DenseNetwork,
    capture: Capture,
    views: Sequence[View],
    size: int,
    margin: float,
    individual: str | None = None,
) -> Keypoints2D:
    """Return the keypoints of views, each on its crop about the subject.

    Parameters
    ----------
    network
        Of keypoints, in evaluation mode, on any device.
    capture
        Its boxes, masks or keypoints say where the subject is; else the whole picture is taken.
    views
        Cameras and frames, at least one.
    size, margin
        Side of the crops in px, and room about the subject as a share of it: as in training.
    individual
        Whose keypoints say where to look, where the capture has several.

    Returns
    -------
    Places and covariances in px of the original pictures, with confidence; missing in the cameras
    and frames that were not asked for.

    Raises
    ------
    InputError
        No views, or a network that predicts something else.
    """
    found = detections(network, capture, views, size, margin, individual)
    return gathered(found, network, capture, views, individual)


def keypoints_of(network: DenseNetwork) -> KeypointTarget:
    """Return what a network of keypoints predicts; InputError for another one."""
    target = network.config.target
    if not isinstance(target, KeypointTarget):
        raise InputError(f"the network predicts {target.kind}, not keypoints")
    return target


def detections(
    network: DenseNetwork,
    capture: Capture,
    views: Iterable[View],
    size: int,
    margin: float,
    individual: str | None = None,
) -> Iterator[Detection]:
    """Yield the keypoints of one view after another, as `detected` does."""
    keypoints_of(network)
    reader = SampleReader(capture, size, network.stride, margin, individual=individual)
    device = next(network.parameters()).device
    for view in views:
        yield _detection(network, reader, view, device)


def gathered(
    found: Iterable[Detection],
    network: DenseNetwork,
    capture: Capture,
    views: Sequence[View],
    individual: str | None = None,
) -> Keypoints2D:
    """Put the detections of ``views`` on the axes of `Keypoints2D`."""
    target = keypoints_of(network)
    if not views:
        raise InputError("there are no pictures to look at")
    cameras = tuple(name for name in capture.rig.names if name in {v.camera for v in views})
    frames = np.unique([view.frame for view in views])
    shape = (len(cameras), len(frames), 1, len(target.names))
    xy, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    covariance = np.full((*shape, 2, 2), np.nan)
    for one in found:
        at = cameras.index(one.view.camera), int(np.searchsorted(frames, one.view.frame)), 0
        xy[at], confidence[at], covariance[at] = one.xy, one.confidence, one.covariance
    return Keypoints2D(
        cameras=cameras,
        frames=frames,
        individuals=(individual or SUBJECT,),
        keypoints=target.names,
        xy=xy,
        confidence=confidence,
        covariance=covariance,
        source={"format": "network"},
    )


@torch.inference_mode()
def _detection(
    network: DenseNetwork, reader: SampleReader, view: View, device: torch.device
) -> Detection:
    sample = reader.read([view])
    found = network(sample.images.to(device)).decoded()
    crop = sample.crops[0]
    turn = crop.original_from_crop[:, :2]
    spread = found.covariance[0].double().cpu().numpy()
    return Detection(
        view,
        crop.to_original(found.xy[0].double().cpu().numpy()),
        turn @ spread @ turn.T,
        found.confidence[0].cpu().numpy(),
    )
