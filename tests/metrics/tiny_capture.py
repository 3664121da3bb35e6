"""A tiny synthetic capture."""

import pytest

from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings


@pytest.fixture(scope="session")
def capture(tmp_path_factory):
    """A person before four cameras, one frame."""
    settings = SynthSettings(cameras=4, frames=1, size=96, samples=1)
    return synthesise(settings, tmp_path_factory.mktemp("metrics") / "tiny")
