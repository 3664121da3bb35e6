"""KeypointNet on a generated category: keypoints that nobody labelled, and what each loss is for.

    OMP_NUM_THREADS=1 python benchmarks/latent_keypoints.py --out benchmarks/results

Random cars (`latent_category`) are seen in pairs of views of known relative pose. The network never
sees the test shapes. Training goes on from the work folder where it stopped; runs that are there
already are not done again.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from latent_category import DISTANCE, FOCAL, FRONT_AND_BACK, Shots, shots
from latent_report import drawn, page, write_picture
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from mvboot.geometry import PlainCameras, Pose
from mvboot.geometry.align import rotation_angle, rotation_between
from mvboot.losses import KeypointNetWeights, KeypointViews, keypointnet_terms, orientation_loss
from mvboot.losses.view_consistency import carried_places
from mvboot.networks import (
    KeypointPrediction,
    NetworkConfig,
    OrientedNetwork,
    build_network,
    faces_right,
)
from mvboot.training.latent.objective import ON_SUBJECT, TOLD_UNTIL

SIZE, KEYPOINTS = 64, 10
TRAINING, TEST = {"shapes": 200, "views": 20, "seed": 1}, {"shapes": 30, "views": 16, "seed": 2}
NETWORK: dict[str, Any] = {"width": 32, "stride": 2, "oriented": ("front", "back")}
PAIRS, RATE, CLIP = 16, 2e-3, 5.0
PRESETS = {"paper": KeypointNetWeights.paper(), "tf_code": KeypointNetWeights.tf_code(KEYPOINTS)}
WARM, STEPS, SHORT = 600, 6000, 800
"""Steps of the start, from which all runs go on, of the main run and of an ablation."""
ABLATIONS = {"all terms": (), "without pose": ("pose",), "without consistency": ("consistency",)}
ABLATIONS |= {"without silhouette": ("silhouette",)}
SHOWN, SHOWN_VIEWS = 6, 6
"""Shapes and views of each in the picture."""
SAVE_EVERY, SAY_EVERY = 250, 100


@dataclass(frozen=True)
class Run:
    """One training run; without weights: the first two keypoints learn the front and the back."""

    name: str
    weights: KeypointNetWeights | None
    steps: int
    folder: Path
    after: "Run | None" = None
    """The run whose network it goes on with; none: random weights."""

    @property
    def state(self) -> Path:
        """What it goes on from."""
        return self.folder / "state.pt"

    @property
    def result(self) -> Path:
        """Its scores."""
        return self.folder / "scores.json"


class Views:
    """Pictures of shapes with plain cameras, whose unit is half the size of a shape."""

    def __init__(self, found: Shots) -> None:
        self.images = torch.from_numpy(found.images).permute(0, 1, 4, 2, 3).flatten(0, 1)
        masks = torch.from_numpy(found.masks).flatten(0, 1)
        self.masks = masks
        R = torch.from_numpy(found.R).flatten(0, 1).float()
        t = torch.tensor([0.0, 0.0, DISTANCE]).expand(len(R), 3)
        matrix = torch.diag(torch.tensor([FOCAL, FOCAL, 1.0])).repeat(len(R), 1, 1)
        matrix[:, :2, 2] = torch.from_numpy(found.shift).flatten(0, 1).float()
        self.cameras = PlainCameras(matrix, Pose(R, t))
        ends = torch.from_numpy(FRONT_AND_BACK).float()
        self.ends = self.cameras.project(ends @ R.mT + t[:, None])
        self.shapes, self.each = found.images.shape[:2]

    def pairs(self, count: int, generator: torch.Generator) -> Tensor:
        """Return ``count`` random pairs of views (count, 2), each of one shape."""
        shape = torch.randint(self.shapes, (count,), generator=generator)
        first = torch.randint(self.each, (count,), generator=generator)
        other = torch.randint(1, self.each, (count,), generator=generator)
        views = torch.stack([first, (first + other) % self.each], 1)
        return shape[:, None] * self.each + views

    def all_pairs(self) -> Tensor:
        """Return all pairs of views (P, 2) of one shape."""
        within = torch.combinations(torch.arange(self.each))
        starts = self.each * torch.arange(self.shapes)
        return (starts[:, None, None] + within).flatten(0, 1)

    def read(self, prediction: KeypointPrediction, rows: Tensor) -> KeypointViews:
        """Return what a network says about some of the views."""
        moments, half = prediction.moments, SIZE / 2
        assert prediction.depths is not None
        masks = avg_pool2d(self.masks[rows, None].float(), prediction.stride)[:, 0]
        return KeypointViews(
            logits=prediction.logits,
            places=to_places(moments.mean),
            covariance=moments.covariance / half**2,
            depths=DISTANCE + prediction.depths,
            cameras=self.cameras[rows],
            mask=masks >= ON_SUBJECT,
            masked=torch.ones(len(rows), dtype=torch.bool),
        )


def to_places(pixels: Tensor) -> Tensor:
    return (pixels - (SIZE - 1) / 2) / (SIZE / 2)


def main() -> None:
    """Train what is missing, test it and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder of the page and its pictures")
    parser.add_argument("--work", type=Path, default=Path("out/latent_keypoints"))
    parser.add_argument("--preset", choices=sorted(PRESETS), default="tf_code")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--short", type=int, default=SHORT, help="steps of an ablation; 0: none")
    given = parser.parse_args()
    training, test = views_of(given.work, "training", TRAINING), views_of(given.work, "test", TEST)
    weights = PRESETS[given.preset]
    start = Run("start", None, WARM, given.work / "start")
    trained(start, new_network(), training)
    runs = [Run("main", weights, given.steps, given.work / "main", start)]
    for name, without in ABLATIONS.items() if given.short else ():
        own = replace(weights, **dict.fromkeys(without, 0.0))
        runs.append(Run(name, own, given.short, given.work / name.replace(" ", "_"), start))
    if given.short:
        runs.append(Run("without the start", weights, WARM + given.short, given.work / "no_start"))
    for run in runs:
        if not run.result.exists():
            network = new_network()
            if run.after is not None:
                network.load_state_dict(torch.load(run.after.state, weights_only=True)["network"])
            found = trained(run, network, training) | tested(network, test)
            run.result.write_text(json.dumps(found, indent=1))
        print(run.name, run.result.read_text(), flush=True)
    if given.out:
        write_page(given.out, given.preset, start, runs, test)


def new_network() -> OrientedNetwork:
    """Return a network with random weights."""
    network = build_network(NetworkConfig.keypointnet(KEYPOINTS, **NETWORK))
    assert isinstance(network, OrientedNetwork)
    return network


def write_page(out: Path, preset: str, start: Run, runs: list[Run], test: Views) -> None:
    """Write what was found."""
    main, *ablations = runs
    pictures = ["latent_keypoints.png", "latent_ablations.png"][: 1 + bool(ablations)]
    took = torch.load(start.state, weights_only=True)["took"]
    results = [took] + [json.loads(r.result.read_text()) | {"name": r.name} for r in runs]
    rows = torch.arange(SHOWN) * test.each  # the first views of the first shapes
    shown = (rows[:, None] + torch.arange(SHOWN_VIEWS)).flatten()
    write_picture(out / pictures[0], picture(main, test, shown))
    if ablations:
        one = [picture(run, test, shown[:SHOWN_VIEWS]) for run in ablations]
        write_picture(out / pictures[1], np.concatenate(one))
    (out / "latent_keypoints.md").write_text(page(results, setting(preset, test), pictures))


def picture(run: Run, views: Views, rows: Tensor) -> NDArray[np.uint8]:
    """Return views with the keypoints of a run."""
    network = new_network()
    network.load_state_dict(torch.load(run.state, weights_only=True)["network"])
    with torch.no_grad():
        xy = network.eval()(views.images[rows]).moments.mean.double().numpy()
    return drawn(list(views.images[rows].permute(0, 2, 3, 1).numpy()), xy, SHOWN_VIEWS)


def setting(preset: str, test: Views) -> str:
    """Say what was done."""
    still = rotation_angle(turns(test, test.all_pairs()), torch.eye(3)).median()
    return (
        f"{TRAINING['shapes']} random cars with {TRAINING['views']} views each to train on, "
        f"{TEST['shapes']} others with {TEST['views']} to test on; {SIZE} px, black background, "
        f"masks, known poses. {KEYPOINTS} keypoints; the network of 13 dilated layers with "
        f"{NETWORK['width']} channels (the paper: 64) on cells of {NETWORK['stride']} px (1), and "
        f"the orientation network of half the width. Preset `{preset}`, {PAIRS} pairs a step "
        f"(256), Adam at {RATE:g}. First {WARM} steps in which the orientation network and two "
        "keypoints learn the front and the back alone, from which all runs but one go on; that is "
        f"ours, not the paper's. The orientation is told in the first {TOLD_UNTIL:.1%} of a run, "
        f"then it is the one that was found. Keypoints that never turn would be "
        f"{torch.rad2deg(still):.0f} deg off in the median."
    )


def views_of(work: Path, name: str, made: dict[str, int]) -> Views:
    """Return the views of a set of shapes, made once."""
    path = work / f"{name}.npz"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(shots(size=SIZE, **made)))
    with np.load(path) as stored:
        return Views(Shots(**stored))


# --- training -----------------------------------------------------------------------------------


def trained(run: Run, network: OrientedNetwork, views: Views) -> dict[str, float]:
    """Train a network from where the run stopped; return what all of it took."""
    network = network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=run.steps + 1, pct_start=0.05, final_div_factor=20
    )
    generator = torch.Generator().manual_seed(0)
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}
    took = {"steps": 0, "wall_s": 0.0, "cpu_s": 0.0}
    if run.state.exists():
        stored = torch.load(run.state, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(stored[name])
        generator.set_state(stored["generator"])
        took = stored["took"]
    shown: list[dict[str, float]] = []
    clocks = time.perf_counter() - took["wall_s"], time.process_time() - took["cpu_s"]
    while took["steps"] < run.steps:
        terms, meters = stepped(network, views, run, int(took["steps"]), generator)
        total = terms["orientation"] if run.weights is None else run.weights.total(terms)
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        schedule.step()
        took["steps"] += 1
        took["wall_s"] = time.perf_counter() - clocks[0]
        took["cpu_s"] = time.process_time() - clocks[1]
        shown.append({name: float(value.detach()) for name, value in terms.items()} | meters)
        if took["steps"] % SAY_EVERY == 0:
            means = (f"{name} {np.mean([one[name] for one in shown]):.4f}" for name in shown[0])
            print(f"{run.name} {took['steps']} {took['wall_s']:.0f} s", *means, flush=True)
            shown = []
        if took["steps"] % SAVE_EVERY == 0 or took["steps"] == run.steps:
            run.folder.mkdir(parents=True, exist_ok=True)
            state = {name: part.state_dict() for name, part in parts.items()}
            torch.save(state | {"generator": generator.get_state(), "took": took}, run.state)
    return took


def stepped(
    network: OrientedNetwork, views: Views, run: Run, step: int, generator: torch.Generator
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Return the terms of a step and its meters."""
    rows = views.pairs(PAIRS, generator).flatten()
    known = views.ends[rows]
    is_told = run.weights is None or step < TOLD_UNTIL * run.steps
    told = faces_right(known).float() if is_told else None
    prediction = network(views.images[rows], told)
    assert prediction.orientation is not None
    found = to_places(prediction.orientation.moments.mean)
    facing = float((faces_right(found) == faces_right(known)).float().mean())
    orientation = orientation_loss(found, known).mean()
    seen = views.read(prediction, rows)
    if run.weights is None:
        start = orientation_loss(seen.places[:, :2], known).mean()
        return {"orientation": orientation + start}, {"facing": facing}
    pairs = torch.arange(len(rows)).reshape(-1, 2)
    terms = keypointnet_terms(seen, pairs.tolist(), run.weights, generator)
    with torch.no_grad():
        angle = float(angles_deg(seen, pairs).mean())
    return terms | {"orientation": orientation}, {"facing": facing, "angle_deg": angle}


def turns(views: KeypointViews | Views, pairs: Tensor) -> Tensor:
    """Return the true rotations between pairs of views (P, 3, 3)."""
    a, b = pairs.unbind(1)
    return views.cameras[b].from_other(views.cameras[a]).R


def angles_deg(views: KeypointViews, pairs: Tensor) -> Tensor:
    """Return how far the rotation between the keypoints of pairs of views is off."""
    a, b = pairs.unbind(1)
    found = rotation_between(views.points[a], views.points[b])
    return torch.rad2deg(rotation_angle(found, turns(views, pairs)))


# --- testing ------------------------------------------------------------------------------------


@torch.no_grad()
def said(network: OrientedNetwork, views: Views) -> tuple[KeypointViews, Tensor]:
    """Return what a network says about all views, and which way each shape faces."""
    parts, facing = [], []
    network.eval()
    for rows in torch.arange(len(views.images)).split(64):
        prediction = network(views.images[rows])
        parts.append(views.read(prediction, rows))
        facing.append(faces_right(prediction.orientation.moments.mean))
    names = ("logits", "places", "covariance", "depths", "mask", "masked")
    joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return KeypointViews(cameras=views.cameras, **joined), torch.cat(facing)


def tested(network: OrientedNetwork, views: Views) -> dict[str, float]:
    """Return the scores on shapes that no training saw, over all pairs of views of a shape."""
    seen, facing = said(network, views)
    pairs = views.all_pairs()
    angles = angles_deg(seen, pairs)
    a, b = pairs.unbind(1)
    in_b = carried_places(seen.cameras[a], seen.cameras[b], seen.places[a], seen.depths[a])
    gap_px = torch.linalg.vector_norm(in_b - seen.places[b], dim=-1) * SIZE / 2
    pose = seen.cameras.cam_from_world
    points = (seen.points - pose.t[:, None]) @ pose.R  # of the shape
    gaps = torch.linalg.vector_norm(points[a] - points[b], dim=-1)
    right = angles < 90
    spread = (seen.points - seen.points.mean(1, keepdim=True)).square().sum(-1).mean().sqrt()
    return {
        "pairs": len(pairs),
        "mean_deg": float(angles.mean()),
        "median_deg": float(angles.median()),
        "over_90": float((~right).float().mean()),
        "se_3d": float((gaps[right].square().mean() / 2).sqrt()),
        "inside": float(inside(seen.places, views.masks).float().mean()),
        "facing": float((facing == faces_right(views.ends)).float().mean()),
        "transfer_px": float(gap_px.median()),
        "spread": float(spread),
    }


def inside(places: Tensor, masks: Tensor) -> Tensor:
    """Return which keypoints (n, K) lie on a pixel of the mask."""
    pixels = (places * SIZE / 2 + (SIZE - 1) / 2).round().long().clamp(0, SIZE - 1)
    rows = torch.arange(len(masks))[:, None]
    return masks[rows, pixels[..., 1], pixels[..., 0]]


if __name__ == "__main__":
    main()
