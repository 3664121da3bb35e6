"""What `check_rig` says about a rig."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fault of a rig.

    Parameters
    ----------
    code
        ``identical-blocks``, ``same-pose``, ``inverse-pose``, ``mixed-units``,
        ``implausible-units``, ``below-floor``, ``no-common-volume``, ``near-zero-baseline``,
        ``lens-folds``; from detections those of `Diagnosis`.
    cameras
        Names of the cameras concerned.
    message
        What is wrong and what to do, in plain words.
    """

    code: str
    cameras: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
