"""Fixtures of these tests."""

from known_meshes import body, full_sheet, quadruped, sheet, shipped, sphere

__all__ = ["body", "full_sheet", "quadruped", "sheet", "shipped", "sphere"]
