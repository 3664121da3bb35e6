"""Fewer vertices: quadric edge collapse onto vertices that stay where they are.

Every vertex of the result is a vertex of the input, so that whatever is known of the input's
vertices (skin weights, shape components) carries over without interpolation. The costs are those
of M. Garland and P. Heckbert, "Surface simplification using quadric error metrics" (1997).
"""

import heapq
from collections import defaultdict

import numpy as np

BORDER_WEIGHT = 30.0
"""How much more an open border resists leaving its line than a surface its plane."""
SPREAD = 1e-3
"""Weight of the squared edge length in the cost: keeps triangles even where the surface is flat."""
MIN_COSINE = 0.2
"""A collapse that turns a face's normal further than this is refused."""


def decimated(vertices, faces, count, stiffness):
    """Return the ids of the kept vertices, in order, and the faces among them (ids of the input).

    ``stiffness`` (V,) multiplies the cost of removing a vertex. Vertices on an open border only
    slide along it.
    """
    collapse = _Collapse(np.asarray(vertices), np.asarray(faces), np.asarray(stiffness))
    collapse.run(count)
    faces = np.array([face for face in collapse.faces if face is not None])
    return np.unique(faces), faces


class _Collapse:
    def __init__(self, vertices, faces, stiffness):
        self.vertices, self.stiffness = vertices, stiffness
        self.faces = [tuple(int(i) for i in face) for face in faces]
        self.around = defaultdict(set)  # vertex -> faces
        for index, face in enumerate(self.faces):
            for vertex in face:
                self.around[vertex].add(index)
        self.border = _border_edges(faces)
        self.on_border = {vertex for edge in self.border for vertex in edge}
        self.quadrics = self._quadrics()
        self.age = defaultdict(int)
        self.heap = []
        for vertex in sorted(self.around):
            self._push(vertex)

    def run(self, count):
        left = len(self.around)
        while left > count and self.heap:
            _, gone, stays, age_gone, age_stays = heapq.heappop(self.heap)
            if self.age[gone] != age_gone or self.age[stays] != age_stays:
                continue
            if self._allowed(gone, stays):
                self._move(gone, stays)
                left -= 1

    def _neighbours(self, vertex):
        return {other for index in self.around[vertex] for other in self.faces[index]} - {vertex}

    def _quadrics(self):
        quadrics = np.zeros((len(self.vertices), 4, 4))
        for face in self.faces:
            a, b, c = self.vertices[list(face)]
            normal = np.cross(b - a, c - a)
            area = np.linalg.norm(normal) + 1e-300
            self._add_plane(quadrics, face, normal / area, a, area)
            for i, j in ((0, 1), (1, 2), (2, 0)):
                edge = (face[i], face[j])
                if edge in self.border:
                    along = self.vertices[edge[1]] - self.vertices[edge[0]]
                    side = np.cross(along, normal / area)
                    weight = BORDER_WEIGHT * np.linalg.norm(side)
                    side /= np.linalg.norm(side) + 1e-300
                    self._add_plane(quadrics, edge, side, self.vertices[edge[0]], weight)
        return quadrics

    @staticmethod
    def _add_plane(quadrics, corners, normal, point, weight):
        plane = np.append(normal, -normal @ point)
        for vertex in corners:
            quadrics[vertex] += weight * np.outer(plane, plane)

    def _push(self, gone):
        for stays in sorted(self._neighbours(gone)):
            if gone in self.on_border and not self._is_border(gone, stays):
                continue
            point = np.append(self.vertices[stays], 1.0)
            cost = point @ (self.quadrics[gone] + self.quadrics[stays]) @ point
            length = np.sum((self.vertices[gone] - self.vertices[stays]) ** 2)
            cost = self.stiffness[gone] * (max(cost, 0.0) + SPREAD * length**2)
            heapq.heappush(self.heap, (cost, gone, stays, self.age[gone], self.age[stays]))

    def _is_border(self, a, b):
        return (a, b) in self.border or (b, a) in self.border

    def _allowed(self, gone, stays):
        """Whether the surface stays a manifold (link condition) and no face folds over."""
        shared = self.around[gone] & self.around[stays]
        common = self._neighbours(gone) & self._neighbours(stays)
        if len(common) != len(shared) or not shared:
            return False
        if len(shared) == 1 and not self._is_border(gone, stays):
            return False
        if stays in self.on_border and self._bridges(gone, common | {stays}):
            return False
        for index in self.around[gone] - shared:
            face = self.faces[index]
            new = [stays if vertex == gone else vertex for vertex in face]
            before, after = self._normal(face), self._normal(new)
            size = np.linalg.norm(before) * np.linalg.norm(after)
            if size == 0.0 or before @ after < MIN_COSINE * size:
                return False
        return True

    def _bridges(self, gone, known):
        """Whether moving to a border vertex would span an edge to another border vertex."""
        new = (self._neighbours(gone) - known) & self.on_border
        return any(not self._is_border(gone, vertex) for vertex in new)

    def _normal(self, face):
        a, b, c = self.vertices[list(face)]
        return np.cross(b - a, c - a)

    def _move(self, gone, stays):
        if gone in self.on_border:
            self._slide_border(gone, stays)
        for index in sorted(self.around.pop(gone)):
            face = self.faces[index]
            if stays in face:
                for vertex in face:
                    if vertex != gone:
                        self.around[vertex].discard(index)
                self.faces[index] = None
                continue
            self.faces[index] = tuple(stays if vertex == gone else vertex for vertex in face)
            self.around[stays].add(index)
        self.quadrics[stays] += self.quadrics[gone]
        self.stiffness[stays] = max(self.stiffness[stays], self.stiffness[gone])
        self.age[gone] += 1
        changed = {stays} | self._neighbours(stays)
        for vertex in changed:
            self.age[vertex] += 1
        for vertex in sorted(changed):
            self._push(vertex)

    def _slide_border(self, gone, stays):
        self.border -= {(gone, stays), (stays, gone)}
        for edge in [edge for edge in self.border if gone in edge]:
            self.border.remove(edge)
            self.border.add(tuple(stays if vertex == gone else vertex for vertex in edge))


def _border_edges(faces):
    directed = {(int(a), int(b)) for f in faces for a, b in zip(f, np.roll(f, -1), strict=True)}
    return {(a, b) for a, b in directed if (b, a) not in directed}
