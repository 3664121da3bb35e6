"""Speed of synthetic captures: whole captures by processes, and the ray-cast truth alone.

OMP_NUM_THREADS=1 python benchmarks/synth.py --out benchmarks/results/synth.md
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from origin import origin

from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.synthetic.studio.studio import Studio

CAMERAS, FRAMES, SIZE = 8, 100, 256
SEEDS = (0,)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--frames", type=int, default=FRAMES)
    arguments = parser.parse_args()
    lines = ["# Synthetic captures", "", *origin(), *captures(arguments.frames), "", *truth()]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


def captures(frames: int) -> list[str]:
    """Return the table of whole captures, written to disk with pictures, masks and truth."""
    lines = [
        f"{CAMERAS} cameras x {frames} frames at {SIZE} px, clothes, room, shadows and motion blur "
        "included:",
        "",
        "| seed | one process | two processes | ratio |",
        "|---|---|---|---|",
    ]
    for seed in SEEDS:
        one, two = (filmed(seed, frames, processes) for processes in (1, 2))
        lines.append(f"| {seed} | {one:.0f} s | {two:.0f} s | {one / two:.2f} |")
    return lines


def filmed(seed: int, frames: int, processes: int) -> float:
    """Return how long a capture takes by the clock, s."""
    settings = SynthSettings(cameras=CAMERAS, frames=frames, size=SIZE, seed=seed)
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        synthesise(settings, Path(folder) / "capture", processes=processes)
        return time.perf_counter() - start


def truth() -> list[str]:
    """Return the table of the truth alone: posing, ray casting, depth, faces, coordinates."""
    lines = ["Ray-cast truth of a picture, one process:", "", "| template | ms |", "|---|---|"]
    for template in ("body", "quadruped"):
        settings = SynthSettings(cameras=CAMERAS, frames=20, size=SIZE, template=template)
        studio = Studio(settings)
        views = [(camera, frame) for frame in range(5) for camera in studio.rig.names]
        for camera, frame in views:
            studio.eye(camera, frame)  # rays of still cameras are made once
        start = time.process_time()
        for camera, frame in views:
            studio.view(camera, frame).canonical(studio.subjects)
        lines.append(f"| {template} | {1000 * (time.process_time() - start) / len(views):.1f} |")
    return lines


if __name__ == "__main__":
    main()
