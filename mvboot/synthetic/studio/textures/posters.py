"""Pictures that hang on walls: shapes painted over one another, and rows of bars for text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Texture
from mvboot.synthetic.studio.textures.coloured import Plain, Ramp
from mvboot.synthetic.studio.textures.colours import sample_palette
from mvboot.synthetic.studio.textures.noise import Noise

Floats = NDArray[np.float64]

MAX_LETTERS = 60


@dataclass(frozen=True)
class Poster:
    """Rectangles and ellipses over a background, painted in order. Flat.

    Parameters
    ----------
    background
        Texture below.
    boxes
        Middle and half size (K, 4) of each shape along x and y, in metres.
    round
        Which shapes (K,) are ellipses.
    colours
        Linear colour (K, 3) of each.
    """

    background: Texture
    boxes: Floats
    round: NDArray[np.bool_]
    colours: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        found = self.background(places)
        for box, is_round, colour in zip(self.boxes, self.round, self.colours, strict=True):
            away = np.abs(places[:, :2] - box[:2]) / box[2:]
            inside = (away**2).sum(1) < 1 if is_round else away.max(1) < 1
            found[inside] = colour
        return found


def sample_poster(width: float, height: float, rng: np.random.Generator) -> Poster:
    """Return a picture for the rectangle from (0, 0) to (width, height)."""
    kind = rng.choice(["print", "notice", "photo"], p=[0.45, 0.25, 0.3])
    palette = sample_palette(rng, 6)
    if kind == "notice":
        page = Plain(palette[0] if rng.random() < 0.3 else np.array([0.82, 0.81, 0.77]))
        ink = palette[1] if rng.random() < 0.5 else np.array([0.02, 0.02, 0.025])
        boxes = _lines_of_text(width, height, rng)
        return Poster(page, boxes, np.zeros(len(boxes), bool), np.tile(ink, (len(boxes), 1)))
    field = Noise(int(rng.integers(1 << 30)), rng.uniform(0.2, 0.8) * width, 5)
    under = Ramp(field, palette) if kind == "photo" else Plain(palette[0])
    shapes = _shapes(width, height, int(rng.integers(3, 14)), rng)
    text = _lines_of_text(width, height * rng.uniform(0.1, 0.3), rng)[: MAX_LETTERS // 3]
    boxes = np.concatenate([shapes, text])
    is_round = np.concatenate([rng.random(len(shapes)) < 0.4, np.zeros(len(text), bool)])
    colours = np.concatenate(
        [palette[rng.integers(0, 5, len(shapes))], np.tile(palette[5], (len(text), 1))]
    )
    return Poster(under, boxes, is_round, colours)


def _shapes(width: float, height: float, count: int, rng: np.random.Generator) -> Floats:
    middle = rng.uniform((0, 0), (width, height), (count, 2))
    half = rng.uniform(0.03, 0.35, (count, 2)) * (width, height)
    return np.concatenate([middle, half], axis=1)


def _lines_of_text(width: float, height: float, rng: np.random.Generator) -> Floats:
    """Return bars like the words of some lines, a headline first."""
    lines = int(rng.integers(3, 9))
    step = height / (lines + 1)
    bars = []
    for line in range(lines):
        y, x = height - (line + 1) * step, 0.1 * width
        tall = step * (0.3 if line == 0 else rng.uniform(0.15, 0.22))
        while x < 0.85 * width:
            long = rng.uniform(0.05, 0.22) * width
            bars.append([x + long / 2, y, long / 2, tall])
            x += long + 0.03 * width
            if line and rng.random() < 0.08:
                break
    return np.array(bars[:MAX_LETTERS])
