"""Read a file with a native library in a process of its own.

A damaged file can crash, hang or fill the memory inside a C library, where no exception handler
helps. The child reads and answers with plain values and arrays; if it dies, the file is at fault.
One child serves many files; limits are of processor time, so that a busy machine changes nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np

from mvboot.errors import InputError

SECONDS, SECONDS_PER_GB = 3.0, 30.0
"""Processor time that reading a file may take."""
MEMORY = 3 << 30
"""Address space of the child beyond what it has when it starts, plus `GROWTH` times the file."""
GROWTH = 8
ARRAY = "__array__"
_lock = threading.Lock()
_child: "subprocess.Popen[str] | None" = None


def read_in_child(reader: str, path: Path) -> Any:
    """Return what the function ``module:name`` reads from a path, run in the child process.

    The function takes the path and returns dicts, lists, strings, numbers, None and arrays of
    numbers. InputError that it raises is raised here too; where the child dies, hangs or needs too
    much memory, InputError says that the file is damaged.
    """
    global _child
    with _lock, tempfile.TemporaryDirectory(prefix="mvboot-") as folder:
        child = _child if _child is not None and _child.poll() is None else _started()
        _child = None  # an interrupt leaves an answer behind that nobody waits for
        answer = _asked(child, json.dumps([reader, str(path.absolute()), folder]))
        if answer is None:
            raise InputError("is damaged: reading it crashed or took too long", where=path)
        _child = child
        if "error" in answer:
            raise InputError(answer["error"], where=path)
        return _unpacked(answer["value"], Path(folder))


def _started() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "mvboot.formats.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env=_environment(),
        start_new_session=True,  # Ctrl-C is for the parent, whose end closes the child's input
    )


def _environment() -> dict[str, str]:
    """Return the environment of the child: it finds the package where this process found it."""
    home = str(Path(__file__).parents[2])
    there = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": home + (os.pathsep + there if there else "")}


def _asked(child: "subprocess.Popen[str]", line: str) -> dict[str, Any] | None:
    """Return the child's answer to a request, None where it died of it."""
    try:
        _stream(child.stdin).write(line + "\n")
        _stream(child.stdin).flush()
        answer = _stream(child.stdout).readline()
    except OSError:
        answer = ""
    if not answer:
        child.kill()
        child.wait()
        return None
    found: dict[str, Any] = json.loads(answer)
    return found


def _stream(stream: "IO[str] | None") -> "IO[str]":
    assert stream is not None  # all of the child's streams are pipes
    return stream


def _packed(value: Any, folder: Path, count: list[int]) -> Any:
    """Return a value as JSON; arrays go into files of the folder."""
    if isinstance(value, dict):
        return {str(key): _packed(part, folder, count) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(part, folder, count) for part in value]
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [_packed(part, folder, count) for part in value.ravel(order="F")]
    if isinstance(value, np.ndarray):
        count[0] += 1
        np.save(folder / f"{count[0]}.npy", value, allow_pickle=False)
        return {ARRAY: count[0]}
    if isinstance(value, np.generic):
        return _packed(value.item(), folder, count)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _unpacked(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        if ARRAY in value:
            return np.load(folder / f"{value[ARRAY]}.npy", allow_pickle=False)
        return {key: _unpacked(part, folder) for key, part in value.items()}
    return [_unpacked(part, folder) for part in value] if isinstance(value, list) else value


def _answered(line: str) -> dict[str, Any]:
    from mvboot.guard import reading

    reader, name, folder = json.loads(line)
    module, _, function = reader.partition(":")
    read = getattr(import_module(module), function)
    try:
        with reading(Path(name), "file"), _limits(Path(name)):
            value = read(Path(name))
            return {"value": _packed(value, Path(folder), [0])}
    except InputError as error:
        return {"error": error.message}
    except OSError as error:
        return {"error": f"cannot be read ({error.strerror or error})"}


@contextmanager
def _limits(path: Path) -> Iterator[None]:
    """Limit processor time and memory inside the block; Windows has no such limits."""
    if sys.platform == "win32":
        yield
        return
    import resource
    import signal

    size = path.stat().st_size
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY + GROWTH * size, most))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # it ends the process
    signal.setitimer(signal.ITIMER_PROF, SECONDS + SECONDS_PER_GB * size / 1e9)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _address_space() -> int:
    """Return the bytes of address space that this process has now; 64 GB where nothing says it."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[0]) * 4096 if statm.exists() else 64 << 30


def _serve() -> None:
    for line in sys.stdin:
        print(json.dumps(_answered(line)), flush=True)


if __name__ == "__main__":
    _serve()
