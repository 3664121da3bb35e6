from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.surfaces import visible_vertices

MIDDLE = np.array([0.0, 0.0, 0.4])


def facing(ball, camera):
    """Return how far (V,) each vertex of the ball looks to a camera: the cosine."""
    way = ball.rig[camera].center.numpy() - ball.template.vertices - MIDDLE
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return (way * ball.template.vertices).sum(1) / 0.4


def test_a_camera_sees_the_side_of_a_ball_that_faces_it(ball):
    seen = visible_vertices(ball.template.vertices + MIDDLE, ball.template.faces, ball.rig)
    for row, name in enumerate(ball.rig.names):
        cosine = facing(ball, name)
        assert seen[row][cosine > 0.05].all() and not seen[row][cosine < -0.05].any()


def test_the_way_faces_look_does_not_matter(ball):
    places, faces = ball.template.vertices + MIDDLE, ball.template.faces
    np.testing.assert_array_equal(
        visible_vertices(places, faces, ball.rig),
        visible_vertices(places, faces[:, ::-1], ball.rig),
    )


def test_one_thing_hides_another(ball):
    """A second, smaller ball halfway to the first camera hides what lies behind it."""
    name = ball.rig.names[0]
    center = ball.rig[name].center.numpy()
    places, faces = ball.template.vertices + MIDDLE, ball.template.faces
    near = 0.15 * ball.template.vertices / 0.4 + 0.5 * (center + MIDDLE)
    both = np.concatenate([places, near])
    seen = visible_vertices(both, np.concatenate([faces, faces + len(places)]), ball.rig)
    alone = visible_vertices(places, faces, ball.rig)
    way = center - places
    along = ((0.5 * (center + MIDDLE) - places) * way).sum(1) / (way**2).sum(1)
    miss = np.linalg.norm(places + along[:, None] * way - 0.5 * (center + MIDDLE), axis=1)
    behind = alone[0] & (miss < 0.14)
    assert behind.sum() > 100 and not seen[0, : len(places)][behind].any()
    beside = alone[0] & (miss > 0.16)
    assert beside.sum() > 100 and seen[0, : len(places)][beside].all()


def test_nothing_is_seen_outside_the_picture(ball):
    places, faces = ball.template.vertices + MIDDLE, ball.template.faces
    name = ball.rig.names[0]
    aside = places + 5 * ball.rig[name].cam_from_world.R.numpy()[0]
    assert not visible_vertices(aside, faces, ball.rig.subset([name])).any()
    behind = places + 2 * (ball.rig[name].center.numpy() - places.mean(0))
    assert not visible_vertices(behind, faces, ball.rig.subset([name])).any()


def test_as_many_poses_as_vertices_are_not_one_for_each(ball):
    places, faces = ball.template.vertices + MIDDLE, ball.template.faces
    count = len(places)
    cameras = {
        name: replace(
            camera,
            cam_from_world=camera.cam_from_world[None][torch.zeros(count, dtype=torch.long)],
            frames=torch.arange(count),
        )
        for name, camera in ball.rig.cameras.items()
    }
    moving = replace(ball.rig, cameras=cameras)
    with pytest.raises(ValueError, match="one instant needs one pose"):
        visible_vertices(places, faces, moving)
    np.testing.assert_array_equal(
        visible_vertices(places, faces, moving.at(3)), visible_vertices(places, faces, ball.rig)
    )
