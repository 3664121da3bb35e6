"""Write a long recording, triangulate it from the command line, and print the peak memory.

    python benchmarks/streaming.py FOLDER POINTS

Writer and command run in processes of their own, so that each peak is its own.
"""

import multiprocessing
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

KEYPOINTS, CAMERAS, BLOCK_FRAMES = 20, 8, 2_000


def write(folder: Path, points: int) -> None:
    """Write rig.yaml and keypoints.parquet, block by block."""
    import pyarrow.parquet as pq

    from mvboot import save_rig
    from mvboot.formats import keypoints2d_table as table
    from mvboot.keypoints import Keypoints2D
    from mvboot.synthetic import points_problem

    rng = np.random.default_rng(0)
    frames = points // KEYPOINTS
    problem = points_problem(CAMERAS, BLOCK_FRAMES * KEYPOINTS, rng)
    save_rig(problem.rig, folder / "rig.yaml")
    writer = None
    for start in range(0, frames, BLOCK_FRAMES):
        count = min(BLOCK_FRAMES, frames - start)
        xy = problem.pixels.reshape(CAMERAS, BLOCK_FRAMES, 1, KEYPOINTS, 2)[:, :count]
        block = Keypoints2D(
            cameras=problem.rig.names,
            frames=np.arange(start, start + count),
            individuals=("one",),
            keypoints=tuple(f"k{i}" for i in range(KEYPOINTS)),
            xy=xy,
            confidence=np.where(np.isnan(xy[..., 0]), np.nan, 1.0),
        )
        if writer is None:
            header = table._header(block) | {"frames": frames}
            schema = table.with_metadata(table._schema(block), header)
            writer = pq.ParquetWriter(folder / "keypoints.parquet", schema)
        writer.write_table(table._to_table(block, schema))
    writer.close()


def triangulate(folder: Path) -> None:
    """Run the command and print what it took."""
    from mvboot.cli import run

    start = time.perf_counter()
    arguments = ["triangulate", "--rig", "rig.yaml", "--keypoints", "keypoints.parquet"]
    arguments = [str(folder / a) if a.endswith((".yaml", ".parquet")) else a for a in arguments]
    code = run([*arguments, "--out", str(folder / "out"), "--json", "csv=false"])
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"PEAK {code} {seconds:.1f} {peak:.0f}")


def main() -> None:
    folder, points = Path(sys.argv[1]), int(sys.argv[2])
    if len(sys.argv) > 3:
        triangulate(folder)
        return
    context = multiprocessing.get_context("spawn")
    print("| points | exit code | time s | peak memory MB |\n|---|---|---|---|")
    for count in (points // 10, points):
        writer = context.Process(target=write, args=(folder, count))
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit("the recording could not be written")
        command = [sys.executable, __file__, str(folder), str(count), "triangulate"]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        code, seconds, peak = found.stdout.split("PEAK ")[1].split()
        print(f"| {count:,} | {code} | {seconds} | {peak} |")
        shutil.rmtree(folder / "out")


if __name__ == "__main__":
    main()
