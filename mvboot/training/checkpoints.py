"""Checkpoints that are whole or not there, and that hold numbers only."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from mvboot.files import atomic_file
from mvboot.guard import reading


class Checkpoints(TorchCheckpointIO):
    """Writes beside the earlier checkpoint and then takes its place; unpickles nothing on reading.

    Lightning's own goes through the folder for temporary files. Where that is another file system
    it copies, and a run that is killed while it does has no checkpoint any more.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; the earlier one stays until this one is whole."""
        with atomic_file(path) as partial:
            torch.save(checkpoint, partial)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read tensors and plain values; InputError for anything else."""
        with reading(Path(path), "checkpoint of mvboot train"):
            content: dict[str, Any] = torch.load(path, map_location, weights_only=True)
        return content
