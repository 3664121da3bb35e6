import os
import pickle

import pytest
import torch

from mvboot.errors import InputError
from mvboot.training.checkpoints import Checkpoints


def test_a_checkpoint_comes_back(tmp_path):
    content = {"step": 3, "weights": {"a": torch.arange(3.0)}}
    Checkpoints().save_checkpoint(content, tmp_path / "new" / "last.ckpt")
    found = Checkpoints().load_checkpoint(tmp_path / "new" / "last.ckpt")
    torch.testing.assert_close(found, content)


def test_the_earlier_checkpoint_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    Checkpoints().save_checkpoint({"step": 1}, path)

    def killed(content, partial):
        partial.write_bytes(b"half")
        assert partial.stat().st_dev == path.stat().st_dev, "renamed, not copied"
        raise KeyboardInterrupt

    monkeypatch.setattr("torch.save", killed)
    monkeypatch.setenv("TMPDIR", "/dev/shm")
    with pytest.raises(KeyboardInterrupt):
        Checkpoints().save_checkpoint({"step": 2}, path)
    assert Checkpoints().load_checkpoint(path) == {"step": 1}
    assert [found.name for found in tmp_path.iterdir()] == ["last.ckpt"]


class Code:
    """What a hostile file holds."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_checkpoint_runs_no_code(tmp_path):
    path, made = tmp_path / "last.ckpt", tmp_path / "made"
    for write in (torch.save, lambda content, place: place.write_bytes(pickle.dumps(content))):
        write({"state": Code(str(made))}, path)
        with pytest.raises(InputError, match=r"last\.ckpt: is no readable checkpoint"):
            Checkpoints().load_checkpoint(path)
    assert not made.exists()
