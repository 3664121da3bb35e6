"""The tasks of ``mvboot train``."""

from mvboot.errors import InputError
from mvboot.training.config import RunSettings
from mvboot.training.dense.task import DENSE
from mvboot.training.keypoints.task import KEYPOINTS
from mvboot.training.latent.task import LATENT
from mvboot.training.task import Task

TASKS = {"dense": DENSE, "keypoints": KEYPOINTS, "latent": LATENT}
"""By name; a task's settings bear its name in ``task``."""


def named_task(name: str) -> Task:
    """Return a task; InputError that lists the known ones."""
    if name not in TASKS:
        raise InputError(f"unknown task {name!r}; known are {', '.join(TASKS)}")
    return TASKS[name]


def task_of(settings: RunSettings) -> Task:
    """Return the task that settings are of."""
    return named_task(settings.task)
