"""Surfaces: what fields show of a template, lifted into space, and the template fitted to it."""

from mvboot.surfaces.fit import FitSettings, Lost, Surface, SurfaceFitter
from mvboot.surfaces.follow import Follower
from mvboot.surfaces.lift import Lifted, lift
from mvboot.surfaces.posture import Posture
from mvboot.surfaces.sightings import Seen, Sightings
from mvboot.surfaces.visibility import visible_vertices

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
