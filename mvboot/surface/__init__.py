"""Surfaces: what fields show of a template, lifted into space, and the template fitted to it."""

from mvboot.surface.fit import FitSettings, Lost, Surface, SurfaceFitter
from mvboot.surface.follow import Follower
from mvboot.surface.lift import Lifted, lift
from mvboot.surface.posture import Posture
from mvboot.surface.sightings import Seen, Sightings
from mvboot.surface.visibility import visible_vertices

__all__ = [
    "FitSettings",
    "Follower",
    "Lifted",
    "Lost",
    "Posture",
    "Seen",
    "Sightings",
    "Surface",
    "SurfaceFitter",
    "lift",
    "visible_vertices",
]
