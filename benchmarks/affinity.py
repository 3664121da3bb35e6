"""Time and memory of the expected epipolar error beside explicit matrices and attention.

    python benchmarks/affinity.py --out benchmarks/results/affinity.md

The fields are those of the body template in its rest pose, true canonical coordinates of n x n
pixels of the body in each of two cameras 40 degrees apart. Every case is a process of its own with
one thread. Time is the CPU time of forward and backward, the shortest of several; memory is the
peak of the resident set above what it was before. With --device cuda both are the GPU's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from origin import origin

from mvboot import Camera
from mvboot.geometry import fundamental_matrix
from mvboot.losses import EpipolarError, match_fields, normalised
from mvboot.losses.attention import expected_squares
from mvboot.mesh.raycast import CameraRays, RayCaster
from mvboot.template import load_template

SIZES = (56, 112, 224)
SIGMA = 0.02
SIGMAS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
MOST_EXPLICIT_GB = 12
MATRICES = 4
"""Matrices of all pairs alive at once in the explicit form, about."""

FORMS = {"explicit": "explicit matrices", "attention": "attention", "matching": "mvboot"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments.add_argument("--case", choices=FORMS, help=argparse.SUPPRESS)
    arguments.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--sigma", type=float, default=SIGMA, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.case:
        print(json.dumps(measured(given.case, given.data, given.sigma, given.device)))
        return
    with tempfile.TemporaryDirectory() as folder:
        data = {n: Path(folder) / f"{n}.npz" for n in given.sizes}
        for n, path in data.items():
            write_fields(n, path)
        lines = header()
        lines += [*forms(data, given.sigma, given.device), *sigmas(data, given.device)]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text)


# --- the problem ------------------------------------------------------------------------------


def write_fields(n: int, path: Path) -> None:
    """Write the fields of n x n pixels of the body in two views, and their geometry."""
    template = load_template("body")
    caster = RayCaster(template.vertices, template.faces)
    middle = (template.vertices.min(0) + template.vertices.max(0)) / 2
    cameras = [camera(middle, angle, 4 * n) for angle in (-20.0, 20.0)]
    found = {"F": fundamental_matrix(*cameras).numpy()}
    for name, view in zip("ab", cameras, strict=True):
        rays = CameraRays(view)
        hits = caster.cast(rays.origin, rays.directions)
        on_body = np.flatnonzero(hits.face >= 0)
        some = on_body[np.linspace(0, len(on_body) - 1, n * n).astype(int)]
        here = hits.at(some)
        found["u" + name] = template.canonical(here.face, here.barycentric).embedding
        found["x" + name] = np.stack([some % (4 * n), some // (4 * n)], -1)
    np.savez(path, **found)


def camera(middle: np.ndarray, degrees: float, size: int) -> Camera:
    """Return a camera 3.5 m from the body that turns about it."""
    angle = np.radians(degrees)
    outward = np.array([np.sin(angle), -np.cos(angle), 0.0])
    right = np.cross(-outward, [0.0, 0.0, 1.0])
    R = np.stack([right, np.cross(-outward, right), -outward])
    K = np.array([[1.75 * size, 0, size / 2], [0, 1.75 * size, size / 2], [0, 0, 1]])
    t = -R @ (middle + 3.5 * outward)
    return Camera.from_opencv(K, np.zeros(5), R, t, size=(size, size))


def loaded(path: Path, dtype: torch.dtype, device: str) -> tuple[list[torch.Tensor], EpipolarError]:
    data = {name: torch.from_numpy(value).to(device) for name, value in np.load(path).items()}
    error = EpipolarError(data["xa"], data["xb"], data["F"])
    return [data[name].to(dtype).requires_grad_() for name in ("ua", "ub")], error


# --- the forms --------------------------------------------------------------------------------


def explicit(u: torch.Tensor, v: torch.Tensor, error: EpipolarError, sigma: float) -> torch.Tensor:
    log_m = (u @ v.T - 0.5 * v.square().sum(1) - 0.5 * u.square().sum(1, keepdim=True)) / sigma**2
    residuals = error.forth
    pixels = torch.nn.functional.pad(residuals.pixels, (0, 1), value=1.0).to(u)
    d2 = (residuals.lines[:, 0].to(u) @ pixels.T).square()
    expected = (log_m.softmax(1) * d2).sum(1)
    visibility = log_m.detach().amax(1).exp()
    return (visibility * expected).sum() / visibility.sum()


def attention(u: torch.Tensor, v: torch.Tensor, error: EpipolarError, sigma: float) -> torch.Tensor:
    """Return the mean without visibility, which attention does not give."""
    return expected_squares(u, v, error.forth, sigma).mean()


def matching(u: torch.Tensor, v: torch.Tensor, error: EpipolarError, sigma: float) -> torch.Tensor:
    return normalised(match_fields(u, v, error.forth, sigma))


def exact(path: Path, sigma: float, rows: int = 512) -> dict[str, float]:
    """Return the loss with and without visibility in double precision, some rows at a time."""
    (u, v), error = loaded(path, torch.float64, "cpu")
    expected, visibility = [], []
    with torch.no_grad():
        for some in torch.arange(len(u)).split(rows):
            log_m = -torch.cdist(u[some], v, compute_mode="donot_use_mm_for_euclid_dist").square()
            log_m /= 2 * sigma**2
            residuals = error.forth
            line = residuals.lines[some, 0]
            d2 = (line[:, :2] @ residuals.pixels.T + line[:, 2:]).square()
            expected.append((log_m.softmax(1) * d2).sum(1))
            visibility.append(log_m.amax(1).exp())
    E, weight = torch.cat(expected), torch.cat(visibility)
    weighted = float((weight * E).sum() / weight.sum())
    return {"explicit": weighted, "matching": weighted, "attention": float(E.mean())}


# --- the measurement --------------------------------------------------------------------------


def measured(form: str, path: Path, sigma: float, device: str) -> dict[str, float]:
    """Return CPU seconds, extra memory in MB and the loss of one form; run in its own process."""
    torch.set_num_threads(1)
    function = {"explicit": explicit, "attention": attention, "matching": matching}[form]
    few = loaded(path, torch.float32, device)
    few_error = EpipolarError(few[1].pixels_a[:64], few[1].pixels_b[:64], few[1].fundamental)
    function(few[0][0][:64], few[0][1][:64], few_error, sigma).backward()
    (u, v), error = loaded(path, torch.float32, device)
    meter = memory_meter(device)
    seconds = []
    while len(seconds) < 2 or (sum(seconds) < 3 and len(seconds) < 10):
        u.grad = v.grad = None
        start = clock(device)
        loss = function(u, v, error, sigma)
        loss.backward()
        seconds.append(clock(device) - start)
    return {"seconds": min(seconds), "extra_mb": meter(), "loss": float(loss)}


def clock(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def memory_meter(device: str):
    """Return a function that tells the peak memory above what is held now, in MB."""
    if device != "cpu":
        held = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return lambda: (torch.cuda.max_memory_allocated() - held) / 1e6
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts anew
    held = resident("VmRSS")
    return lambda: (resident("VmHWM") - held) / 1e3


def resident(name: str) -> float:
    """Return a figure of this process in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name)))


def run(form: str, path: Path, sigma: float, device: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--case", form, "--data", str(path)]
    command += ["--sigma", str(sigma), "--device", device]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


# --- the tables -------------------------------------------------------------------------------


def header() -> list[str]:
    return [
        "# Expected epipolar error of two fields",
        "",
        *origin(),
        "One thread. float32, embedding of the body template (8 coordinates), "
        "squared distances, one direction, forward and backward.",
        "",
    ]


def forms(data: dict[int, Path], sigma: float, device: str) -> list[str]:
    lines = [
        f"## Three forms, sigma = {sigma} m",
        "",
        "| pixels | form | time s | faster | extra memory MB | smaller | loss px^2 | off by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for n, path in data.items():
        truth = exact(path, sigma)
        needed = MATRICES * 4 * n**4 / 1e9
        reference = None
        for form, title in FORMS.items():
            if form == "explicit" and needed > MOST_EXPLICIT_GB:
                lines.append(f"| {n}x{n} | {title} | not run: about {needed:.0f} GB | | | | | |")
                continue
            found = run(form, path, sigma, device)
            reference = found if form == "explicit" else reference
            lines.append(row(f"{n}x{n} | {title}", found, reference, truth[form]))
    return [
        *lines,
        "",
        "Off by: relative difference of the loss from double precision. Attention is "
        "`scaled_dot_product_attention` on second moments, without visibility weights.",
        "",
    ]


def sigmas(data: dict[int, Path], device: str) -> list[str]:
    n = 112 if 112 in data else max(data)
    reference = run("explicit", data[n], SIGMA, device)
    lines = [
        f"## The width of the kernel, {n}x{n} pixels",
        "",
        "| sigma m | form | time s | faster | extra memory MB | smaller | loss px^2 | off by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for sigma in SIGMAS:
        found = run("matching", data[n], sigma, device)
        truth = exact(data[n], sigma)["matching"]
        lines.append(row(f"{sigma} | mvboot", found, reference, truth))
    return [*lines, "", f"Beside explicit matrices, which take {reference['seconds']:.2f} s."]


def row(title: str, found: dict[str, float], reference: dict | None, truth: float) -> str:
    faster = smaller = ""
    if reference:
        faster = f"{reference['seconds'] / found['seconds']:.1f}"
        smaller = f"{reference['extra_mb'] / max(found['extra_mb'], 0.1):.0f}"
    off = abs(found["loss"] / truth - 1)
    return (
        f"| {title} | {found['seconds']:.3f} | {faster} | {found['extra_mb']:,.0f} | {smaller} | "
        f"{found['loss']:.4f} | {off:.0e} |"
    )


if __name__ == "__main__":
    main()
