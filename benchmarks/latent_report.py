"""The page and the pictures of the experiment of latent keypoints."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from origin import origin

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

ZOOM, DOT = 3, 4
COLUMNS = {
    "median_deg": ("rotation median deg", "{:.1f}"),
    "mean_deg": ("mean deg", "{:.1f}"),
    "over_90": ("over 90 deg", "{:.1%}"),
    "se_3d": ("3D-SE", "{:.3f}"),
    "inside": ("inside the mask", "{:.1%}"),
    "transfer_px": ("transfer median px", "{:.2f}"),
    "spread": ("spread", "{:.2f}"),
    "facing": ("facing found", "{:.1%}"),
    "steps": ("steps", "{:.0f}"),
    "cpu_s": ("CPU s", "{:.0f}"),
    "wall_s": ("wall s", "{:.0f}"),
}
PAPER = (
    ("cars", "11.310 / 3.372", ".171"),
    ("planes", "17.330 / 5.721", ".230"),
    ("chairs", "14.572 / 5.420", ".196"),
)
"""Joint training, as Table 1 prints it: mean and median rotation error, 3D-SE."""


def page(results: Sequence[Mapping[str, Any]], setting: str, pictures: Sequence[str]) -> str:
    """Return the page."""
    start, main, *ablations = results
    lines = ["# Latent keypoints", "", *origin(), setting, "", "## On shapes that no training saw"]
    lines += ["", *table([main]), ""]
    lines += [
        f"The start took {start['cpu_s']:.0f} s of CPU and {start['wall_s']:.0f} s by the clock; "
        "the rest is in the table. It all ran in one thread; by the clock it shared the machine "
        "with other work. "
        f"{main['pairs']} pairs of views, all that the shapes have. Rotation: the angle between "
        "the true turn from view to view and that of the keypoints (Procrustes). 3D-SE: the "
        "standard deviation of a keypoint's place on the shape over views, in half sizes of the "
        "shape, from pairs whose rotation is off by less than 90 degrees. Inside the mask: of the "
        "picture, at its own pixels. Transfer: from a keypoint to where the other view puts it by "
        "its depth. Spread: of the keypoints about their middle, in half sizes. Facing: which end "
        "is further right, by the orientation network.",
        "",
        *(f"![{name}]({name})" for name in pictures[:1]),
        "",
    ]
    if ablations:
        names = ", ".join(one["name"] for one in ablations)
        lines += ["## What each part is for", "", *table(ablations), ""]
        lines += [f"The same car by each of them, from the top: {names}.", ""]
        lines += [f"![ablations]({pictures[1]})"]
    lines += ["", "## The paper's Table 1, for reference only", "", *reference()]
    return "\n".join(lines) + "\n"


def table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one row a run."""
    names = [title for title, _ in COLUMNS.values()]
    lines = ["| run | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for one in results:
        cells = (form.format(one[name]) for name, (_, form) in COLUMNS.items())
        lines.append(f"| {one['name']} | " + " | ".join(cells) + " |")
    return lines


def reference() -> list[str]:
    """Return what the paper has."""
    lines = [
        "ShapeNet renders of 128 px, 200,000 steps of 256 pairs on 32 replicas, joint training "
        "(row d). The category, the size of the pictures, the network and the length of the run "
        "differ: the figures do not compare.",
        "",
        "| category | rotation mean / median deg | 3D-SE |",
        "|---|---|---|",
    ]
    return lines + [f"| {name} | {angle} | {error} |" for name, angle, error in PAPER]


def drawn(images: Sequence[Picture], places: Floats, columns: int) -> Picture:
    """Return pictures (h, w, 3) RGB in rows of ``columns``, keypoints (n, K, 2) in px on them."""
    colours = palette(places.shape[1])
    tiles = []
    for image, own in zip(images, places, strict=True):
        tile = cv2.resize(image, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
        for xy, colour in zip(own, colours, strict=True):
            at = tuple(int(v) for v in np.round((xy + 0.5) * ZOOM - 0.5))
            cv2.circle(tile, at, DOT + 1, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(tile, at, DOT, colour, -1, cv2.LINE_AA)
        tiles.append(tile)
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    return np.concatenate([np.concatenate(row, 1) for row in rows])


def palette(count: int) -> list[tuple[int, int, int]]:
    """Return colours that differ."""
    hues = np.stack([np.arange(count) * 180 / count, *[np.full(count, v) for v in (230, 255)]], -1)
    rgb = cv2.cvtColor(hues[None].astype(np.uint8), cv2.COLOR_HSV2RGB)[0]
    return [tuple(int(v) for v in colour) for colour in rgb]


def write_picture(path: Path, picture: Picture) -> None:
    """Write RGB as PNG."""
    cv2.imwrite(str(path), picture[..., ::-1])
