"""Scenes with exact truth, to test with and to learn from."""

from mvboot.synthetic.scene import PointsProblem, Scene, articulated_scene, points_problem

__all__ = ["PointsProblem", "Scene", "articulated_scene", "points_problem"]
