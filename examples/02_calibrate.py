"""Calibrate a synthetic rig by a board and compare with the truth. Runs offline in seconds."""

import numpy as np

from mvboot.calib import CalibrationOptions, calibrate_rig, compare_rigs, load_board
from mvboot.synthetic import articulated_scene
from mvboot.synthetic.boards import board_poses, board_shots

# Four cameras around a walker; a board of 80 x 110 cm is shown 30 times, found to a quarter pixel.
truth = articulated_scene(cameras=4, seed=0).rig.in_units("mm")
board = load_board("charuco:8x11:100mm:75mm:DICT_5X5_100")
rng = np.random.default_rng(0)
world_from_board = board_poses(truth, board, shots=30, rng=rng)
shots = board_shots(truth, board, world_from_board, rng, noise_px=0.25)

# `mvboot calibrate` finds such shots in pictures and videos; from here on it does the same. Without
# the option every camera's lens is chosen, which takes longer.
options = CalibrationOptions(lenses={name: ("brown5",) for name in truth.names})
result = calibrate_rig(shots, options)
print(f"error {result.adjusted.rms_px:.3f} px per axis; 0.25 px were put in")
for name, quality in result.qualities.items():
    print(f"  {name}: {quality.views} pictures, {100 * quality.covered:.0f} % covered")

# The world is that of the first camera; aligned to the true one, this is what is off. Deviations
# are against the first camera, which therefore has none.
comparison = compare_rigs(truth, result.rig)
print(f"size of the world over the truth: {comparison.scale:.5f}")
for name, off in comparison.aligned.items():
    spread = result.qualities[name].covariance
    print(
        f"  {name}: turned {off.rotation_deg:.3f} deg (deviation {spread.rotation_deg:.3f}), "
        f"moved {off.center:.2f} mm ({spread.center_deviation:.2f}), "
        f"focal length off by {100 * (off.focal_ratio - 1):+.3f} %"
    )

# The board as a ruler: what triangulated points are worth where it was shown.
ruler = result.ruler
print(f"board as triangulated over its print: {np.median(ruler.ratio):.5f}")
print(f"its points are right to {np.median(ruler.error):.2f} mm")
