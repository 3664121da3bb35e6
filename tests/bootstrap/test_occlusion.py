import numpy as np
import pytest

from mvboot.bootstrap.bones import Bone
from mvboot.bootstrap.occlusion import behind_bones, between_segments, off_mask, shares_seen
from mvboot.geometry import Camera

NAMES = ("post_low", "post_high", "behind", "before", "beside", "within")
POST = Bone("post", ("post_low", "post_high"), radius=0.1)
XYZ = np.array([[0.0, -1, 5], [0, 1, 5], [0.02, 0, 6], [0.0, 0, 4], [0.5, 0, 6], [0.05, 0.5, 5.05]])


@pytest.fixture
def camera():
    """A camera at the origin that looks along z."""
    K = [[500, 0, 320], [0, 500, 240], [0, 0, 1]]
    return Camera.from_opencv(K, None, np.eye(3), np.zeros(3), (640, 480))


def test_what_a_post_hides(camera):
    found = behind_bones(camera, XYZ, NAMES, (POST,))
    assert [n for n, lost in zip(NAMES, found, strict=True) if lost] == ["behind"]
    thin = Bone("post", POST.ends, radius=0.01)
    assert not behind_bones(camera, XYZ, NAMES, (thin,)).any()
    assert not behind_bones(camera, XYZ, NAMES, (Bone("post", POST.ends),)).any(), "no radius"


def test_as_many_poses_as_points_are_not_one_for_each(camera):
    many, none = range(len(XYZ)), np.zeros((len(XYZ), 3))
    moving = Camera.from_opencv(camera.K, None, none, none, camera.size, frames=many)
    with pytest.raises(ValueError, match="one instant needs one pose"):
        behind_bones(moving, XYZ, NAMES, (POST,))
    here, there = (behind_bones(c, XYZ, NAMES, (POST,)) for c in (moving.at(2), camera))
    np.testing.assert_array_equal(here, there)


def test_a_missing_end_hides_nothing(camera):
    xyz = XYZ.copy()
    xyz[0] = np.nan
    assert not behind_bones(camera, xyz, NAMES, (POST,)).any()
    xyz = XYZ.copy()
    xyz[2] = np.nan
    assert not behind_bones(camera, xyz, NAMES, (POST,)).any()


def test_distances_of_segments():
    rng = np.random.default_rng(0)
    start, a, b = rng.normal(size=(3, 3))
    ends = rng.normal(size=(20, 3))
    s, t = np.meshgrid(np.linspace(0, 1, 201), np.linspace(0, 1, 201))
    one = start + s[..., None] * (ends[:, None, None] - start)
    other = a + t[..., None] * (b - a)
    brute = np.linalg.norm(one - other, axis=-1).min((1, 2))
    assert np.allclose(between_segments(start, ends, a, b), brute, atol=0.02)
    along = between_segments(
        np.zeros(3), np.array([[4.0, 0, 0]]), np.array([1.0, 1, 0]), np.array([2.0, 1, 0])
    )
    assert along == pytest.approx(1.0), "parallel"


def test_pixels_off_the_mask():
    mask = np.zeros((10, 20), np.float32)
    mask[2:5, 3:9] = 1
    pixels = np.array([[3.0, 2], [8.4, 4.4], [9, 4], [-5, 2], [np.nan, np.nan], [30, 3]])
    assert off_mask(mask, pixels).tolist() == [False, False, True, False, False, False]


def test_shares_of_what_pictures_see(walked):
    """Of a mask over half of a picture half of the keypoints are seen; none without a mask."""
    rows = np.arange(2)
    labels = walked.truth.at_rows(rows)
    xyz = walked.scene.xyz[rows]
    seen = shares_seen(walked.capture, xyz, labels, ())
    assert np.allclose(seen[labels.present.any((2, 3))], 1)

    class Masked:
        camera = walked.capture.camera

        def mask(self, name, frame):
            if name != "cam_02" or frame != 1:
                return None
            width, height = walked.capture.size(name)
            mask = np.zeros((height, width), np.float32)
            mask[:, : int(np.nanmedian(labels.xy[1, 1, 0, :, 0])) + 1] = 1
            return mask

    seen = shares_seen(Masked(), xyz, labels, ())
    assert 0.4 < seen[1, 1] < 0.7 and np.delete(seen.ravel(), 3).min() == 1
    fat = tuple(Bone(b.name, b.ends, radius=0.08) for b in walked.bones)
    hidden = shares_seen(walked.capture, xyz, labels, fat)
    assert 0.3 < hidden.min() < 0.9 and hidden.max() <= 1
