"""A synthetic capture before it is filmed: who, where, under which light, before which cameras."""

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.mesh.raycast import CameraRays
from mvboot.rig import Rig
from mvboot.synthetic.faults import miscalibrated
from mvboot.synthetic.rigs import synthetic_rig
from mvboot.synthetic.studio.appearance import sample_look
from mvboot.synthetic.studio.motion.motion import sample_motion
from mvboot.synthetic.studio.rendering.backdrop import Backdrop, Eye, Room
from mvboot.synthetic.studio.rendering.exposure import Exposure, Moment, expose
from mvboot.synthetic.studio.rendering.light import Light, sample_light
from mvboot.synthetic.studio.rendering.views import Bodies, View
from mvboot.synthetic.studio.rig_file import Stay, read_rig_file
from mvboot.synthetic.studio.sensor import developed, exposure_for
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.synthetic.studio.subjects import Subject, Subjects
from mvboot.synthetic.studio.surroundings.clearing import Clearing
from mvboot.synthetic.studio.surroundings.occluders import sample_occluders
from mvboot.synthetic.studio.surroundings.room import sample_room
from mvboot.template import Template, load_template

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Value = TypeVar("Value")

SHAPE_SPREAD = 0.8
"""Standard deviation of shape coefficients; the templates' components have 1."""
LOOKS_PER_S, MOST_LOOKS = 10, 1000
"""How often a motion is looked at to find how much room it needs."""
FRAMED = 1.05
SIGHTINGS, SPARSE = 20, 20
"""Visibility is tested in this many frames, and at one vertex in this many."""
METERING = 17
"""One ray in this many measures the light for the exposure."""


class Studio:
    """All that a capture shows and all that films it; made from settings, again the same.

    ``subjects`` are filmed by the true cameras ``rig``; the capture states ``stated``. ``faults``
    and ``exposures`` (factor of the light) are by camera; ``warning`` says what seems wrong with a
    rig file, or is None. Each part is sampled from a stream of random numbers of its own.
    """

    def __init__(self, settings: SynthSettings) -> None:
        self.settings = settings
        self.subjects = sample_subjects(settings, _template(settings))
        height, radius = _extent(self.subjects, settings)
        self.rig, self.warning = _rig(settings, self.subjects, height, radius)
        self.faults = settings.faults.of_cameras(self.rig.names, settings.rng("faults"))
        self.stated = miscalibrated(self.rig, self.faults)
        scale = Clearing.of(self.rig, radius, height).to_persons()[1]
        rng = settings.rng("place")
        surfaces = sample_room(rng, self.rig, radius, height, settings.place)
        surfaces += sample_occluders(rng, self.rig, radius, settings.occluders, height)
        self.room = Room(surfaces, scale)
        self.light = sample_light(self.room.caster, scale, settings.rng("light"))
        self.exposures = {
            name: _metered(camera.at(0), self.room, self.light)
            for name, camera in self.rig.cameras.items()
        }
        self._eyes: dict[str, tuple[int | None, Eye]] = {}
        self._bodies = Latest(lambda time: Bodies.of(self.subjects, self._at(time)[0]))
        self._moments = Latest(self._prepared)

    def filmed(self, camera: str, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the frames that a camera did not lose."""
        return self.faults[camera].kept_frames(frames)

    def time(self, camera: str, frame: int) -> float:
        """Return when a camera films a frame: the middle of the exposure, s."""
        return float(self.faults[camera].filming_times([frame], self.settings.fps)[0])

    def bodies(self, time: float) -> Bodies:
        """Return the subjects' own surfaces at a time in s."""
        return self._bodies.of(time)

    def view(self, camera: str, frame: int) -> View:
        """Return the exact truth of a picture."""
        return self.bodies(self.time(camera, frame)).seen_by(self.eye(camera, frame))

    def shot(self, camera: str, frame: int) -> tuple[Picture, Exposure]:
        """Return a picture (h, w, 3) RGB, and the light it was made of."""
        rng = self.settings.rng("sensor", self.rig.names.index(camera), frame)
        own, eye = self.faults[camera], self.eye(camera, frame)
        moments = self._moments.of(frame, self.time(camera, frame), own.exposure_s)
        exposure = expose(eye, self.room, moments, self.light, rng)
        return developed(exposure.light, self.exposures[camera], own, rng), exposure

    def eye(self, camera: str, frame: int) -> Eye:
        """Return a camera's eye at a frame; that of a still camera is opened once."""
        own = self.rig[camera]
        place = frame if own.is_moving else None
        known = self._eyes.get(camera)
        if known is None or known[0] != place:
            rng = self.settings.rng("eye", self.rig.names.index(camera), place or 0)
            at = own if place is None else own.at(place)
            known = place, Eye.of(at, self.room, self.light, self.settings.samples, rng)
            self._eyes[camera] = known
        return known[1]

    def _prepared(self, frame: int, time: float, exposure_s: float) -> list[Moment]:
        """Return the subjects at as many instants of an exposure as a pixel has rays."""
        count = self.settings.samples**2
        spread = (np.arange(count) + 0.5) / count - 0.5
        vertices = self._at(*(time + exposure_s * spread))
        rng = self.settings.rng("shade", frame)
        first = Moment.first(self.subjects.shell, vertices[count // 2], rng)
        return [first.moved(moved) for moved in vertices]

    def _at(self, *times: float) -> Floats:
        return self.subjects.at(np.array(times))


class Latest(Generic[Value]):
    """Keeps what was made last: cameras that film at the same time share it."""

    def __init__(self, make: Callable[..., Value]) -> None:
        self._make = make
        self._made: tuple[tuple[float, ...], Value] | None = None

    def of(self, *key: float) -> Value:
        """Return what is made of a key, made anew only for another key than the last."""
        if self._made is None or self._made[0] != key:
            self._made = key, self._make(*key)
        return self._made[1]


def sample_subjects(settings: SynthSettings, template: Template) -> Subjects:
    """Return the subjects: shape, look, and motion about a place of their own."""
    homes = _homes(settings, template)
    members = []
    for index, home in enumerate(homes):
        rng = settings.rng("subjects", index)
        shape = SHAPE_SPREAD * rng.standard_normal(template.n_shapes)
        look = sample_look(template, shape, rng, settings.wear)
        duration = settings.frames / settings.fps
        motion = sample_motion(
            template,
            duration,
            settings.area,
            settings.rng("motion", index),
            settings.gait,
            shape,
        )
        name = f"subject_{index + 1}"
        members.append(Subject(name, template, shape, look, motion, home))
    return Subjects(members)


def _template(settings: SynthSettings) -> Template:
    """Return the template in metres; InputError where it cannot be filmed as asked."""
    template = load_template(settings.template).in_units("m")
    kinds = {"charts": template.charts, "embedding": template.embedding}
    if kinds[settings.fields] is None:
        there = [kind for kind, known in kinds.items() if known is not None]
        raise InputError(
            f"the template {template.name!r} has no {settings.fields}; it has "
            f"{' and '.join(there) or 'no canonical coordinates'}: choose fields=..."
        )
    return template


def _homes(settings: SynthSettings, template: Template) -> Floats:
    """Return the middles (I, 3) of the subjects' areas, apart from each other."""
    count = settings.subjects
    if count == 1:
        return np.zeros((1, 3))
    apart = 2 * settings.area + 0.4 * float(np.ptp(template.vertices, axis=0).max())
    angle = 2 * np.pi * np.arange(count) / count
    ring = apart / 2 / np.sin(np.pi / count)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), np.zeros(count)], -1)


def _extent(subjects: Subjects, settings: SynthSettings) -> tuple[float, float]:
    """Return height and radius in metres of the upright cylinder that the subjects need."""
    duration = settings.frames / settings.fps
    times = np.linspace(0, duration, max(2, min(MOST_LOOKS, int(LOOKS_PER_S * duration))))
    height = radius = 0.0
    for time in times[:, None]:
        vertices = subjects.at(time)[0]
        height = max(height, float(vertices[:, 2].max()))
        radius = max(radius, float(np.linalg.norm(vertices[:, :2], axis=1).max()))
    return FRAMED * height, FRAMED * radius


def _rig(
    settings: SynthSettings, subjects: Subjects, height: float, radius: float
) -> tuple[Rig, str | None]:
    """Return the cameras, and what seems wrong with those of a file."""
    if settings.rig_file is not None:
        frames = np.unique(np.linspace(0, settings.frames - 1, SIGHTINGS).astype(np.int64))
        places = subjects.at(frames / settings.fps)[:, ::SPARSE]
        stay = Stay(radius, height, frames, places)
        return read_rig_file(settings.rig_file, settings.frames, stay)
    rig = synthetic_rig(
        settings.rig,
        settings.cameras,
        settings.size,
        settings.rng("rig"),
        height,
        radius,
        range(settings.frames),
        settings.fps,
    )
    return rig, None


def _metered(camera: Camera, room: Room, light: Light) -> float:
    rays = CameraRays(camera)
    directions = rays.directions[::METERING]
    seen = Backdrop.of(room, rays.origin, directions, light, np.random.default_rng(0))
    return exposure_for((seen.ambient + seen.direct).astype(np.float64))
