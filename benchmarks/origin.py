"""Where a page of figures comes from: command, commit, versions and machine."""

import platform
import subprocess
import sys
from pathlib import Path

import numba
import torch

import mvboot

ROOT = Path(__file__).parent.parent


def origin() -> list[str]:
    """Return the lines below a page's title."""
    return [
        f"Command: `python {' '.join(sys.argv)}`, {commit()}.",
        f"mvboot {mvboot.__version__}, torch {torch.__version__}, Python "
        f"{platform.python_version()}; {machine()}, {numba.config.NUMBA_NUM_THREADS} threads.",
        "",
    ]


def commit() -> str:
    """Return the commit that is measured, and whether the package differs from it."""
    name = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", "mvboot", "benchmarks/*.py")
    return f"commit {name}{' with changes' if changed else ''}"


def machine() -> str:
    """Return the processor, or the GPU where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    processors = Path("/proc/cpuinfo")
    lines = processors.read_text().splitlines() if processors.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def _git(*words: str) -> str:
    found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.strip()
