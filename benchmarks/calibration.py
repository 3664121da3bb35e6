"""Speed and accuracy of calibration beside its peers, in one run on one core.

    OMP_NUM_THREADS=1 python benchmarks/calibration.py --out benchmarks/results/calibration.md

aniposelib is optional (`pip install -r benchmarks/requirements.txt`), and so is a folder of
checkerboard pairs (`--pairs "FOLDER/{camera}{frame}.jpg"`); what is missing is said. Peers get the
detections and the start that mvboot gets. RMS is per axis unless it is called a length.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from opencv_peer import multiview, stereo
from triangulation import best_time, header

from mvboot import Rig
from mvboot.calib.boards import Charuco
from mvboot.calib.bundle import GROUPS, TERMS, Bundle, Held, Observations, adjust
from mvboot.calib.intrinsics import board_observations
from mvboot.calib.intrinsics import board_poses as poses_in_camera
from mvboot.calib.rounds import adjust_in_rounds, rms
from mvboot.calib.shots import Shots
from mvboot.calib.uncertainty import CameraCovariance, covariance
from mvboot.geometry import Camera, Pose
from mvboot.synthetic.boards import board_poses, board_shots
from mvboot.synthetic.scene import looking_at, ring_rig
