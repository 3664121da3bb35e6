"""The review sheet of a bootstrapping round: one HTML file to look through and tick.

It needs no server. Ticks are saved by a button, as the JSON that `mvboot.bootstrap.review` reads.
"""

import base64
import json
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.bootstrap.review import REVIEW, Review
from mvboot.bootstrap.round import Selection
from mvboot.colours import rgb_from_hsv
from mvboot.datasets import Capture
from mvboot.datasets.crops import cut, square_crop, subject_box
from mvboot.fields import Crop
from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints2D

Bytes = NDArray[np.uint8]
SIDE, MARGIN, JPEG_QUALITY = 180, 0.2, 80
VIEWS = 5
"""Pictures of a frame on the sheet, spread over its cameras."""

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px sans-serif; margin: 1.5em; max-width: 1100px }}
section {{ border-top: 1px solid #ccc; padding: .5em 0 }}
section.off {{ opacity: .35 }}
label {{ display: block; cursor: pointer }}
figure {{ display: inline-block; margin: .3em .3em 0 0 }}
figcaption {{ font-size: 12px; color: #555 }}
.name {{ white-space: nowrap }}
header {{ position: sticky; top: 0; background: #fff; padding: .5em 0 }}
</style></head><body>
<header><h1>{title}</h1>
<p>Untick frames whose points are on the wrong places. Save, and put the file
<code>{review}</code> into the folder of this sheet, or give it to <code>--review</code>.
Frames best to worst. <button id="save">Save the ticks</button> <span id="count"></span></p>
<p>{legend}</p></header>
{frames}
<script>
const boxes = [...document.querySelectorAll("input[type=checkbox]")];
const frames = wanted => boxes.filter(b => b.checked === wanted).map(b => Number(b.value));
function show() {{
  for (const b of boxes) b.closest("section").classList.toggle("off", !b.checked);
  const kept = frames(true).length;
  document.getElementById("count").textContent = kept + " of " + boxes.length + " kept";
}}
for (const b of boxes) b.addEventListener("change", show);
show();
document.getElementById("save").addEventListener("click", () => {{
  const said = {{...{said}, keep: frames(true), reject: frames(false)}};
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(said)], {{type: "application/json"}}));
  link.download = "{review}";
  link.click();
}});
</script></body></html>
"""


def write_review_sheet(
    path: str | Path, capture: Capture, selection: Selection, labels: Keypoints2D
) -> None:
    """Write the sheet of the frames that a round chose, with their points in several pictures.

    ``labels`` are the pseudo-labels of the round.
    """
    order = sorted(selection.chosen, key=lambda frame: (-selection.chosen[frame], frame))
    colours = _distinct(len(labels.keypoints))
    sections = [
        _section(capture, labels, frame, selection.chosen[frame], colours) for frame in order
    ]
    legend = " ".join(
        f'<span class="name"><span style="color: rgb{tuple(colour)}">●</span> {escape(name)}</span>'
        for name, colour in zip(labels.keypoints, colours.tolist(), strict=True)
    )
    said = Review(round=selection.round).model_dump(include={"kind", "round"})
    text = PAGE.format(
        title=f"Round {selection.round}: {len(order)} frames",
        review=REVIEW,
        legend=legend,
        frames="\n".join(sections),
        said=json.dumps(said),
    )
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _section(
    capture: Capture, labels: Keypoints2D, frame: int, score: float, colours: Bytes
) -> str:
    row = int(np.searchsorted(labels.frames, frame))
    labelled = [c for c in range(len(labels.cameras)) if labels.present[c, row].any()]
    chosen = np.unique(np.linspace(0, len(labelled) - 1, VIEWS).round().astype(int))
    figures = []
    for c in (labelled[i] for i in chosen) if labelled else ():
        name = labels.cameras[c]
        picture = _drawn(capture.picture(name, frame), labels.xy[c, row, 0], colours)
        figures.append(
            f'<figure><img width="{SIDE}" height="{SIDE}" alt="" src="{_inlined(picture)}">'
            f"<figcaption>{escape(name)}</figcaption></figure>"
        )
    more = len(labelled) - len(figures)
    unseen = f", {more} pictures more" if more else ""
    return (
        f'<section><label><input type="checkbox" value="{frame}" checked> frame {frame}, '
        f"score {score:.1f}{unseen}</label>{''.join(figures)}</section>"
    )


def _drawn(picture: Bytes, points: NDArray[np.float64], colours: Bytes) -> Bytes:
    """Return a crop about points (K, 2), with a dot on each."""
    box = subject_box(None, None, points)
    whole = Crop.whole((picture.shape[1], picture.shape[0]))
    crop = whole if box is None else square_crop(box, SIDE, MARGIN)
    drawn = np.ascontiguousarray(cut(picture, crop))
    for (x, y), colour in zip(crop.to_crop(points), colours.tolist(), strict=True):
        if np.isfinite(x):
            cv2.circle(drawn, (round(x), round(y)), 3, (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(drawn, (round(x), round(y)), 2, colour, -1, cv2.LINE_AA)
    return drawn


def _distinct(count: int) -> Bytes:
    """Return colours (count, 3) round the circle of hues."""
    hues = np.arange(count) / count
    return np.asarray(
        np.rint(255 * rgb_from_hsv(hues, np.full(count, 0.85), np.ones(count))), np.uint8
    )


def _inlined(picture: Bytes) -> str:
    bgr = np.ascontiguousarray(picture[..., ::-1])
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
