"""Draw the picture sheets of docs/synth.md: people of many seeds, and a capture with its fields.

python docs/draw_people.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from mvboot.report.capture import draw_capture
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.synthetic.studio.studio import Studio

PICTURES = Path(__file__).parent / "pictures"
ROWS, COLUMNS, SIZE = 3, 6, 224
QUALITY = 88


def main() -> None:
    """Draw all sheets."""
    PICTURES.mkdir(exist_ok=True)
    write("synth_people.jpg", [portrait(seed) for seed in range(ROWS * COLUMNS)])
    animals = [portrait(seed, template="quadruped") for seed in range(COLUMNS)]
    write("synth_animals.jpg", animals)
    settings = SynthSettings(frames=8, size=SIZE, seed=4, detector=True)
    with TemporaryDirectory() as folder:
        capture = synthesise(settings, Path(folder) / "capture")
        draw_capture(capture, Path(folder) / "sheet.png", 4)
        write("synth_capture.jpg", [cv2.imread(str(Path(folder) / "sheet.png"))[..., ::-1]])


def portrait(seed: int, template: str = "body") -> np.ndarray:
    """Return a picture of the subject of a seed, whatever it does, by one of two cameras."""
    settings = SynthSettings(
        template=template, cameras=2, frames=60, size=SIZE, occluders=0, seed=seed
    )
    return Studio(settings).shot(f"cam_{1 + seed % 2:02d}", 30)[0]


def write(name: str, tiles: list[np.ndarray]) -> None:
    """Write tiles as one picture."""
    rows = [np.concatenate(tiles[i : i + COLUMNS], 1) for i in range(0, len(tiles), COLUMNS)]
    sheet = np.concatenate(rows)[..., ::-1]
    cv2.imwrite(str(PICTURES / name), sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
