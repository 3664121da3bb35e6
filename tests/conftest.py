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
