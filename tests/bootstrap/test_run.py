import json
from dataclasses import replace

import numpy as np
import pytest

from mvboot.bootstrap import Bootstrapping, BootstrapSettings
from mvboot.bootstrap.review import Review
from mvboot.datasets.labels import labelled_pictures, of_views
from mvboot.errors import InputError, NothingUsable
from mvboot.formats.keypoints2d_table import read_keypoints2d

LABELLED = (0, 11, 22, 33, 44)


@pytest.fixture
def prepared(walked, fake):
    """Return how to prepare a run; two cameras of five frames are labelled by people."""

    def of(learner=None, **settings):
        settings = {"window": 9, "rounds": 2, **settings}
        return Bootstrapping(
            BootstrapSettings.model_validate(settings),
            walked.capture,
            of_views(walked.truth, ("cam_01", "cam_03"), LABELLED),
            of_views(walked.truth, walked.capture.cameras, range(48, 60)),
            learner or fake.Learner(walked.truth),
            walked.groups,
            walked.bones,
        )

    return of


def pictures(labels):
    rows = zip(*np.nonzero(labelled_pictures(labels)), strict=True)
    return {(labels.cameras[c], int(labels.frames[f])) for c, f in rows}


def test_rounds_get_better_and_judge_themselves(prepared, tmp_path):
    run = prepared()
    first, second, third = run.rounds(tmp_path)
    assert first.selection is None and first.pictures == 10
    assert second.held_out_px < 0.5 * first.held_out_px
    assert third.pck > first.pck + 0.2
    assert second.selection.accepted_points < third.selection.accepted_points
    assert (
        sum(second.selection.rejected.values())
        + len(second.selection.chosen)
        + (second.selection.below)
        == second.selection.frames
        == 45
    )
    labels = read_keypoints2d(tmp_path / "rounds" / "01" / "labels.parquet")
    assert "cam_06" not in labels.cameras, "it is held out"
    assert second.selection.pictures == len(pictures(labels))


def test_the_labels_of_a_round_replace_those_of_the_one_before(prepared, walked, fake, tmp_path):
    learner = fake.Learner(walked.truth)
    list(prepared(learner).rounds(tmp_path))
    people = pictures(learner.taught["00"])
    assert people == {(c, f) for c in ("cam_01", "cam_03") for f in LABELLED}
    newest = [
        pictures(read_keypoints2d(tmp_path / "rounds" / name / "labels.parquet"))
        for name in ("01", "02")
    ]
    assert pictures(learner.taught["01"]) == people | newest[0]
    assert pictures(learner.taught["02"]) == people | newest[1]
    assert newest[0] - newest[1] - people, "or nothing was dropped"


@pytest.mark.parametrize("go_on", [True, False])
def test_a_round_goes_on_from_the_one_before(prepared, walked, fake, tmp_path, go_on):
    learner = fake.Learner(walked.truth)
    list(prepared(learner, go_on=go_on).rounds(tmp_path))
    expected = {"00": None, "01": "00", "02": "01"}
    assert learner.begun == (expected if go_on else dict.fromkeys(expected))


def test_pseudo_labels_are_the_points_in_all_views(prepared, walked, tmp_path):
    list(prepared().rounds(tmp_path))
    labels = read_keypoints2d(tmp_path / "rounds" / "02" / "labels.parquet")
    truth = walked.truth.for_cameras(labels.cameras).at_rows(labels.frames)
    error = np.linalg.norm(labels.xy - truth.xy, axis=-1)
    assert np.nanmedian(error) < 1.0 and np.nanmax(error) < 25
    assert np.isfinite(error).sum() == labels.present.sum()


def test_a_run_goes_on_exactly_where_it_was_and_repeats_itself(prepared, walked, fake, tmp_path):
    whole = list(prepared(seed=3).rounds(tmp_path / "whole"))
    learner = fake.Learner(walked.truth)
    run = prepared(learner, seed=3).rounds(tmp_path / "parts")
    next(run), next(run)
    run.close()
    assert learner.detections == 2
    learner = fake.Learner(walked.truth)
    assert list(prepared(learner, seed=3).rounds(tmp_path / "parts")) == whole
    assert learner.detections == 1, "finished rounds are not done again"
    for name in ("01/labels.parquet", "02/points3d.parquet", "02/round.json"):
        ours, theirs = (tmp_path / one / "rounds" / name for one in ("whole", "parts"))
        assert ours.read_bytes() == theirs.read_bytes()


def test_it_stops_where_the_held_out_camera_gets_worse(prepared, walked, fake, tmp_path):
    worse = fake.Learner(walked.truth, lambda pictures: 0.3 if pictures < 12 else 0.6)
    done = list(prepared(worse, rounds=5).rounds(tmp_path))
    assert [one.round for one in done] == [0, 1] and done[1].held_out_px > done[0].held_out_px


def test_a_first_round_that_believes_nothing_says_why(prepared, walked, fake, tmp_path):
    blind = fake.Learner(walked.truth, lambda pictures: 1.0)
    with pytest.raises(NothingUsable, match=r"round 1: of 45 frames none is believed \(.*; \w"):
        list(prepared(blind).rounds(tmp_path))
    steady = {"heuristics": {"velocity": 1e-9}}
    with pytest.raises(NothingUsable, match=r"velocity \d+.*raise heuristics.velocity"):
        list(prepared(**steady).rounds(tmp_path / "steady"))


def test_a_review_is_obeyed_by_its_round_and_by_the_next(prepared, walked, fake, tmp_path):
    seen = []

    def shown(selection, folder):
        seen.append(selection)
        return selection.round > 1 or (folder / "review.json").is_file()

    first = list(prepared().rounds(tmp_path, shown))
    assert [one.round for one in first] == [0], "it waits"
    frames = list(seen[0].chosen)
    review = Review(round=1, keep=tuple(frames[1:]), reject=(frames[0],))
    (tmp_path / "rounds" / "01" / "review.json").write_text(review.model_dump_json())
    learner = fake.Learner(walked.truth)
    done = list(prepared(learner).rounds(tmp_path, shown))
    assert done[1].refused == 1
    taught = {frame for _, frame in pictures(learner.taught["01"])}
    assert taught == set(LABELLED) | set(frames[1:])
    assert done[2].selection.rejected["review"] == 1
    assert frames[0] not in done[2].selection.chosen


@pytest.mark.slow
def test_each_heuristic_can_be_switched_off_and_counts(prepared, tmp_path):
    names = ("inliers", "confidence", "velocity", "bones", "occlusion")
    strict = {"inliers": 5.0, "confidence": 0.99, "velocity": 0.001, "bones": 1.001}
    for name in names:
        off = dict.fromkeys(names) | {name: strict.get(name, 1.0)}
        run = prepared(rounds=1, heuristics=off)
        thick = tuple(replace(bone, radius=0.1) for bone in run.bones)
        run = replace(run, bones=thick)
        try:
            rejected = list(run.rounds(tmp_path / name))[1].selection.rejected
        except NothingUsable:
            chosen = json.loads((tmp_path / name / "rounds" / "01" / "selection.json").read_text())
            rejected = chosen["rejected"]
        assert rejected[name] > 0, name
        assert not set(rejected) & (set(names) - {name})


def test_unsure_and_hidden_views_get_no_labels(prepared, walked, fake, tmp_path):
    class Shy(fake.Learner):
        def detect(self, folder, views):
            found = super().detect(folder, views)
            found.confidence[found.cameras.index("cam_02")] *= 0.1
            return found

    run = prepared(Shy(walked.truth, lambda pictures: 0.0), rounds=1, min_confidence=0.0)
    (_, done) = run.rounds(tmp_path / "shy")
    labels = read_keypoints2d(tmp_path / "shy" / "rounds" / "01" / "labels.parquet")
    assert done.selection.unsure_views == len(done.selection.chosen)
    assert not labels.present[labels.cameras.index("cam_02")].any()
    run = prepared(
        fake.Learner(walked.truth, lambda pictures: 0.0), rounds=1, heuristics={"occlusion": 0.9}
    )
    thick = tuple(replace(bone, radius=0.06) for bone in walked.bones)
    (_, done) = replace(run, bones=thick).rounds(tmp_path / "hidden")
    assert done.selection.hidden_views > 0


def test_what_cannot_be_prepared(prepared, walked):
    run = prepared()
    assert run.threshold_px == pytest.approx(0.04 * 230, rel=0.4)
    assert prepared(threshold_px=3.0).threshold_px == 3.0
    with pytest.raises(InputError, match="no labelled picture"):
        replace(run, labels=of_views(walked.truth, (), ()))
    two = replace(walked.truth, individuals=("a",))
    several = replace(
        two, individuals=("a", "b"), xy=np.repeat(two.xy, 2, 2),
        confidence=np.repeat(two.confidence, 2, 2),
    )  # fmt: skip
    with pytest.raises(InputError, match="choose one individual"):
        replace(run, labels=several)


def test_a_damaged_run_is_not_gone_on_with(prepared, tmp_path):
    list(prepared(rounds=1).rounds(tmp_path))
    (tmp_path / "rounds" / "01" / "detections.parquet").unlink()
    with pytest.raises(InputError, match=r"detections.parquet is gone"):
        list(prepared().rounds(tmp_path))
