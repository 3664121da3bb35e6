"""Captures: what cameras filmed and what is known of it, and samples of it to train on.

`mvboot.datasets.module` has the loaders of training; it is left out here because Lightning is slow
to import.
"""

from mvboot.datasets.appearance import Appearance
from mvboot.datasets.augmentation import Augmentation
from mvboot.datasets.capture import Capture
from mvboot.datasets.layout import CaptureFiles
from mvboot.datasets.mirror import Mirror
from mvboot.datasets.reader import SampleReader
from mvboot.datasets.sample import FieldTensors, Sample, View, concatenated
from mvboot.datasets.sampling import CameraGroups, camera_groups, sample_views
from mvboot.datasets.schema import CaptureModel, Splits
from mvboot.datasets.splits import block_splits
from mvboot.datasets.writer import CaptureWriter

__all__ = [
    "Appearance",
    "Augmentation",
    "CameraGroups",
    "Capture",
    "CaptureFiles",
    "CaptureModel",
    "CaptureWriter",
    "FieldTensors",
    "Mirror",
    "Sample",
    "SampleReader",
    "Splits",
    "View",
    "block_splits",
    "camera_groups",
    "concatenated",
    "sample_views",
]
