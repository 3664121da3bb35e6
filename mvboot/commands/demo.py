"""``mvboot demo``: a rendered capture, triangulated and trained on, to see the whole path work."""

from pathlib import Path
from typing import Annotated

from typer import Option

from mvboot.stages.output import Output


def demo(
    out: Annotated[Path, Option(help="Folder to write to.")] = Path("mvboot-demo"),
    cameras: Annotated[int, Option(help="Cameras on the ring.", min=2)] = 6,
    frames: Annotated[int, Option(help="Frames.", min=1)] = 24,
    seed: Annotated[int, Option(help="Seed of scene and noise.", min=0)] = 0,
    steps: Annotated[int, Option(help="Training steps from labels; 0: no training.", min=0)] = 600,
    processes: Annotated[int, Option(help="How many render at once.", min=1)] = 1,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace an earlier result.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Render a synthetic capture, triangulate it, train a small network on it, and draw all."""
    from mvboot.stages.demo import run_demo

    say = Output(as_json)
    say.result(run_demo(out, cameras, frames, seed, steps, processes, overwrite, say))
