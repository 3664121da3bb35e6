"""KeypointNet's loss as a whole: against the paper and the code, written out."""

import math

import pytest
import torch

from mvboot.geometry import PlainCameras, Pose, rotation_between
from mvboot.losses import KeypointNetWeights, KeypointViews, keypointnet_terms

N, SIZE = 10, 8


def views():
    """Return two views of keypoints that agree with nothing."""
    noise = torch.Generator().manual_seed(3)
    turn = torch.tensor([[0.1, -0.5, 0.0], [0.0, 0.6, 0.1]]).double()
    pose = Pose.from_rotation(turn, torch.tensor([[0.0, 0.1, 5.0], [0.2, 0.0, 6.0]]).double())
    cameras = PlainCameras(torch.diag(torch.tensor([5.0, 5.0, 1.0])).double().repeat(2, 1, 1), pose)
    spread = torch.rand(2, N, 2, generator=noise).double()
    return KeypointViews(
        logits=torch.randn(2, N, SIZE, SIZE, generator=noise).double(),
        places=0.2 * torch.randn(2, N, 2, generator=noise).double(),
        covariance=torch.diag_embed(spread),
        depths=5.5 + 0.1 * torch.randn(2, N, generator=noise).double(),
        cameras=cameras,
        mask=torch.rand(2, SIZE, SIZE, generator=noise) > 0.5,
        masked=torch.tensor([True, True]),
    )


def moved(point, here, there):
    """Carry one place and depth from a camera to the other's picture, step by step."""
    u, v, z = point
    x = torch.stack([u / 5 * z, v / 5 * z, z])
    y = there.R @ (here.R.mT @ (x - here.t)) + there.t
    return 5 * y[:2] / y[2]


def paper_terms(seen, delta2=0.05):
    """Equations 3, 5, 8, 9 and 10, each for every view or the pair, in loops."""
    poses = [seen.cameras.cam_from_world[i] for i in range(2)]
    X = seen.points
    con = 0.0
    for i in range(N):
        points = [[*seen.places[v, i], seen.depths[v, i]] for v in range(2)]
        hat = [moved(points[1 - v], poses[1 - v], poses[v]) for v in range(2)]
        con += sum((seen.places[v, i] - hat[v]).square().sum() for v in range(2)) / (2 * N)
    R = poses[1].R @ poses[0].R.mT
    chord = torch.linalg.matrix_norm(rotation_between(X[0], X[1]) - R)
    g = seen.logits.flatten(2).softmax(2)
    return {
        "consistency": con,
        "pose": 2 * torch.asin(chord / (2 * math.sqrt(2))),
        "separation": [
            sum(
                max(0.0, delta2 - float((X[v, i] - X[v, j]).square().sum()))
                for i in range(N)
                for j in range(N)
                if i != j
            )
            / N**2
            for v in range(2)
        ],
        "silhouette": [
            -sum((g[v, i] * seen.mask[v].flatten()).sum().log() for i in range(N)) / N
            for v in range(2)
        ],
        "variance": [sum(seen.covariance[v, i].trace() for i in range(N)) / N for v in range(2)],
    }


def test_the_paper_written_out():
    seen, weights = views(), KeypointNetWeights.paper()
    quiet = KeypointNetWeights(1.0, 0.2, 1.0, 1.0, 0.5, 1.0, noise=0.0)
    assert weights == KeypointNetWeights(1.0, 0.2, 1.0, 1.0, 0.5, 1.0, delta2=0.05, noise=0.1)
    found, expected = keypointnet_terms(seen, [(0, 1)], quiet), paper_terms(seen)
    assert set(found) == set(expected)
    for name, value in expected.items():
        mean = sum(value) / 2 if isinstance(value, list) else value
        assert found[name].item() == pytest.approx(float(mean), rel=1e-8), name


def test_the_code_written_out():
    """The sums of both views and directions with the code's factors are the other preset."""
    seen, delta2 = views(), 0.05
    paper, code = paper_terms(seen), {}
    code["consistency"] = 1.0 * 2 * paper["consistency"]  # 1/N in each direction, both summed
    code["pose"] = 0.2 * paper["pose"]
    X = seen.points
    gap2 = (X[:, :, None] - X[:, None]).square().sum(-1)
    with_itself = (delta2 - gap2).clamp(min=0).sum((1, 2)) / (2 * N)
    code["separation"] = 1.0 * with_itself.sum() - delta2  # its constant
    code["silhouette"] = 1.0 * sum(paper["silhouette"])
    code["variance"] = 0.5 * sum(paper["variance"])
    quiet = KeypointNetWeights(**{**vars(KeypointNetWeights.tf_code(N)), "noise": 0.0})
    terms = keypointnet_terms(seen, [(0, 1)], quiet)
    for name, value in code.items():
        found = getattr(quiet, name) * terms[name]
        assert found.item() == pytest.approx(float(value), rel=1e-8), name
    total = sum(float(value) for value in code.values())
    assert quiet.total(terms).item() == pytest.approx(total, rel=1e-8)


def test_how_much_more_the_code_counts_each_term():
    paper, code = KeypointNetWeights.paper(), KeypointNetWeights.tf_code(N)
    ratio = {
        name: getattr(code, name) / getattr(paper, name)
        for name in ("consistency", "separation", "silhouette", "variance", "pose", "orientation")
    }
    assert ratio == {
        "consistency": 2, "separation": N, "silhouette": 2, "variance": 2, "pose": 1,
        "orientation": 1,
    }  # fmt: skip


def test_what_is_not_known_or_not_wanted_is_left_out():
    seen = views()
    assert set(keypointnet_terms(seen, [], KeypointNetWeights.paper())) == {
        "separation", "silhouette", "variance",
    }  # fmt: skip
    blind = KeypointViews(**{**vars(seen), "masked": torch.zeros(2, dtype=torch.bool)})
    assert "silhouette" not in keypointnet_terms(blind, [(0, 1)], KeypointNetWeights.paper())
    assert set(keypointnet_terms(seen, [(0, 1)], KeypointNetWeights(pose=1.0))) == {"pose"}


def test_all_terms_fall_together():
    """Points that are free to move come to agree with all of it."""
    seen = views()
    places = seen.places.clone().requires_grad_()
    depths = seen.depths.clone().requires_grad_()
    weights = KeypointNetWeights(1.0, 0.2, 1.0)
    optimiser = torch.optim.Adam([places, depths], 0.02)
    noise = torch.Generator().manual_seed(0)
    values = []
    for _ in range(150):
        now = KeypointViews(**{**vars(seen), "places": places, "depths": depths})
        loss = weights.total(keypointnet_terms(now, [(0, 1)], weights, noise))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert sum(values[-10:]) < 0.4 * sum(values[:10])
    agreed = keypointnet_terms(
        now, [(0, 1)], KeypointNetWeights(consistency=1.0, pose=1.0, noise=0.0)
    )
    assert agreed["consistency"] < 1e-2 and agreed["pose"] < math.radians(15)
