"""Damage small valid files of every kind that is read, and see that each is read or refused.

    python tests/fuzz/run.py --inputs 200000 [--seed 0] [--only rig] [--out out/fuzz]

An input fails where reading it raises anything but an InputError, crashes, takes more than five
seconds of processor time or more than one gigabyte. Failing inputs are kept under ``--out``.
``--again N`` reads input N alone and shows what is raised. The seeds are made by `seeds.py`.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent))

from mutations import mutated
from targets import Target, all_targets

from mvboot.errors import MvbootError

SECONDS, MEMORY_KB = 5, 1_000_000
OUTCOMES = ("read", "refused", "foreign", "crash", "slow", "memory")


def damaged(target: Target, seed: int, number: int) -> tuple[Path, bytes]:
    """Return one of a target's files and its damaged content; the same for the same numbers."""
    random = Random(f"{seed} {number}")
    file = random.choice(target.files)
    return file, mutated(file.read_bytes(), random)


def outcome(target: Target) -> tuple[str, str]:
    """Read a target as it is and return how it ended, and the traceback of a foreign exception."""
    try:
        target.read()
    except MvbootError:
        return "refused", ""
    except OSError as error:
        named = error.filename is not None  # the command line turns these into a line
        return ("refused", "") if named else ("foreign", traceback.format_exc())
    except Exception:
        return "foreign", traceback.format_exc()
    return "read", ""


def one(target: Target, seed: int, number: int) -> tuple[str, str]:
    """Damage one file of a target, read it, and put the file back."""
    file, content = damaged(target, seed, number)
    whole = file.read_bytes()
    started = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, 2 * SECONDS)
    try:
        file.write_bytes(content)
        ended, shown = outcome(target)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_bytes(whole)
    if time.process_time() - started > SECONDS:
        return "slow", f"{time.process_time() - started:.1f} s"
    return ended, shown


def work(first: int, step: int, asked: argparse.Namespace) -> None:
    """Run every ``step``-th input from ``first`` on, telling each before and after."""
    with tempfile.TemporaryDirectory(prefix="mvboot-fuzz-") as folder:
        targets = all_targets(Path(folder), asked.only)
        for number in range(first, asked.inputs, step):
            target = targets[Random(f"{asked.seed} {number} target").randrange(len(targets))]
            print(json.dumps([number, target.name]), flush=True)
            before, held = peak_kb(), held_kb()
            ended, shown = one(target, asked.seed, number)
            if peak_kb() > max(before, held + MEMORY_KB):
                ended, shown = "memory", f"{peak_kb() - held} kB more than before"
            print(json.dumps([number, target.name, ended, shown]), flush=True)
            if ended == "memory":
                return  # the peak does not go down again: a new process goes on


def peak_kb() -> int:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def held_kb() -> int:
    """Return the memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def watched(first: int, asked: argparse.Namespace) -> list[tuple[int, str, str, str]]:
    """Run all inputs of one worker in processes of their own; those that died are named."""
    results: list[tuple[int, str, str, str]] = []
    at = first
    while at < asked.inputs:
        command = [sys.executable, __file__, "--worker", str(at), *sys.argv[1:]]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        last: list[object] = [at, "start"]
        for line in child.stdout:
            last = json.loads(line)
            if len(last) == 4:
                results.append(tuple(last))  # type: ignore[arg-type]
                tell(results)
        code = child.wait()
        if last[1] == "start":
            raise SystemExit(f"the worker ended with {code} before its first input")
        if len(last) == 2:
            ended = "slow" if code == -signal.SIGPROF else "crash"
            results.append((int(str(last[0])), str(last[1]), ended, f"exit code {code}"))
        at = int(str(last[0])) + asked.workers
    return results


def tell(results: list[tuple[int, str, str, str]]) -> None:
    """Print a failure at once, and a line now and then."""
    number, target, ended, shown = results[-1]
    if ended not in ("read", "refused"):
        print(f"{number} {target}: {ended}\n{shown}", file=sys.stderr, flush=True)
    elif len(results) % 5000 == 0:
        print(f"{len(results)} inputs", file=sys.stderr, flush=True)


def keep(results: list[tuple[int, str, str, str]], asked: argparse.Namespace) -> None:
    """Write failing inputs to ``--out``, with how each ended."""
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        targets = {target.name: target for target in all_targets(Path(folder), asked.only)}
        for number, name, ended, shown in results:
            if ended in ("read", "refused"):
                continue
            file, content = damaged(targets[name], asked.seed, number)
            place = asked.out / f"{number}-{name}-{ended}"
            place.mkdir(exist_ok=True)
            (place / file.name).write_bytes(content)
            (place / "said.txt").write_text(shown)


def table(results: list[tuple[int, str, str, str]]) -> str:
    """Return how the inputs of each target ended, as Markdown."""
    counts: dict[str, Counter[str]] = {}
    for _, target, ended, _ in results:
        counts.setdefault(target, Counter())[ended] += 1
    rows = [f"| target | {' | '.join(OUTCOMES)} |", "|---" * (len(OUTCOMES) + 1) + "|"]
    total = sum(counts.values(), Counter())
    for name, own in [*sorted(counts.items()), ("**all**", total)]:
        rows.append(f"| {name} | {' | '.join(str(own[ended]) for ended in OUTCOMES)} |")
    return "\n".join(rows)


def main() -> int:
    """Run the inputs that were asked for; 1 where any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="targets whose names begin like this")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"))
    parser.add_argument("--workers", type=int, default=1, help="processes that share the inputs")
    parser.add_argument("--again", type=int, default=None, help="read this input alone")
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends a process that hangs
    if asked.worker is not None:
        work(asked.worker, asked.workers, asked)
        return 0
    if asked.again is not None:
        return again(asked)
    with ThreadPoolExecutor(asked.workers) as pool:
        shares = pool.map(lambda first: watched(first, asked), range(asked.workers))
        results = sorted(result for share in shares for result in share)
    keep(results, asked)
    print(table(results))
    return int(any(ended not in ("read", "refused") for _, _, ended, _ in results))


def again(asked: argparse.Namespace) -> int:
    """Read one input, and say how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        targets = all_targets(Path(folder), asked.only)
        target = targets[Random(f"{asked.seed} {asked.again} target").randrange(len(targets))]
        print(target.name, *one(target, asked.seed, asked.again), sep="\n")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
