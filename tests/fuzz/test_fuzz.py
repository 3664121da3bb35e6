"""The fuzz target itself: undamaged files are read, and some hundred damaged ones are refused."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from mutations import MUTATIONS, mutated  # noqa: E402
from targets import all_targets  # noqa: E402


def test_every_seed_is_read(tmp_path):
    targets = all_targets(tmp_path)
    assert len(targets) > 50
    for target in targets:
        target.read()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.__name__)
def test_damage_is_the_same_for_the_same_seed(mutation):
    content = b'{"a": [1, 2.5, "x"],\n"b": {"c": -3}}\n' * 3
    assert mutation(content, Random("1")) == mutation(content, Random("1"))
    assert any(mutation(content, Random(f"{i}")) != content for i in range(20))
    assert isinstance(mutated(b"", Random(0)), bytes)


def test_damaged_files_are_read_or_refused(tmp_path):
    command = [sys.executable, HERE / "run.py", "--inputs", "600", "--out", tmp_path]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:] + run.stdout
    assert "| **all** |" in run.stdout
