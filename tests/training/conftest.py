"""A tiny capture to train on, rendered once."""

import pytest

from mvboot.synthetic.capture import synthesise
from mvboot.synthetic.settings import SynthSettings


@pytest.fixture(scope="session")
def filmed(tmp_path_factory):
    """Return a capture of a person by four cameras, one held out, and four labelled frames."""
    settings = SynthSettings(
        cameras=4, frames=20, size=64, samples=1, occluders=0, labelled=4, seed=2,
        validation=0.2, held_out_cameras=("cam_04",),
    )  # fmt: skip
    return synthesise(settings, tmp_path_factory.mktemp("training") / "capture")
