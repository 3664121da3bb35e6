"""The command line as a user types it, run in this process."""

from types import SimpleNamespace

import numpy as np
import pytest

from mvboot import cli, save_rig
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.synthetic import articulated_scene


@pytest.fixture
def mvboot(capfd):
    """Run one command line; returns its exit code and what it printed."""

    def run(*arguments):
        capfd.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return run


@pytest.fixture(scope="session")
def walker(tmp_path_factory):
    """A folder with rig.yaml and keypoints.parquet of a synthetic recording."""
    folder = tmp_path_factory.mktemp("walker")
    scene = articulated_scene(cameras=5, frames=12, seed=3)
    save_rig(scene.rig, folder / "rig.yaml")
    detections = scene.detections(np.random.default_rng(0))
    write_keypoints2d(detections, folder / "keypoints.parquet")
    return SimpleNamespace(
        folder=folder,
        scene=scene,
        detections=detections,
        rig=folder / "rig.yaml",
        keypoints=folder / "keypoints.parquet",
    )
