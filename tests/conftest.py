"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real recordings; tests that need it are skipped where it is absent."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MVBOOT_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real recordings not found in {folder}; set MVBOOT_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def ball():
    """A sphere in a ring of cameras, whose fields are known exactly."""
    from shapes import make_ball  # most tests need none of it

    return make_ball()


@pytest.fixture(scope="session")
def sheet():
    """A flat sheet, whose fields are known exactly."""
    from shapes import make_sheet

    return make_sheet()
