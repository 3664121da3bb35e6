"""The work of ``mvboot bootstrap``."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from mvboot.bootstrap import Bootstrapping, BootstrapSettings, Detector, Round, Selection, verdict
from mvboot.bootstrap.bones import read_bones, template_bones
from mvboot.bootstrap.command import CommandDetector
from mvboot.bootstrap.evaluation import wanted_views
from mvboot.bootstrap.network import NetworkDetector
from mvboot.bootstrap.review import REVIEW, adopted
from mvboot.bootstrap.run import ROUNDS
from mvboot.bootstrap.verdict import Verdict
from mvboot.config import dump_yaml, load_yaml
from mvboot.datasets import Capture
from mvboot.datasets.labels import labelled_pictures, of_views, on_axes
from mvboot.errors import InputError
from mvboot.files import require_free, write_json
from mvboot.formats.detections import load_keypoints, respelled
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.formats.rigs import load_rig
from mvboot.frame_list import FrameList
from mvboot.keypoints import Keypoints2D
from mvboot.networks import KeypointTarget, read_header
from mvboot.report.review import write_review_sheet
from mvboot.report.rounds import TABLE, rejections, round_rows, rounds_summary, write_rounds
from mvboot.stages.matching import check_subject, of_subject
from mvboot.stages.output import Output
from mvboot.stages.recording import read_groups
from mvboot.stages.replace_run import forget_previous, replacing, told
from mvboot.stages.resume import differences, text_of
from mvboot.stages.stage import CONFIG, SUMMARY
from mvboot.stages.train import quiet
from mvboot.training.keypoints.settings import KeypointSettings
from mvboot.training.run import MODEL
from mvboot.triangulation.recording import group_labels

SHEET = "review.html"
MAY_CHANGE = ("rounds", "out")
"""Settings of which a run that goes on may have others."""
INSTEAD = {
    "seed": "--seed",
    "individual": "--subject",
    "label_frames": "--label-frames",
    "label_cameras": "--label-cameras",
    "agreement": "agreement=SHARE",
}
"""Settings of a training that a run states once: later rounds learn from more than labels."""


class BootstrapConfig(BootstrapSettings):
    """The same, with the places of files."""

    data: Path = Field(description="capture folder")
    labels: str = Field(description="labels of people, with {camera} or one file")
    out: Path = Field(description="folder of the run")
    rig: Path | None = Field(None, description="rig instead of the capture's rig.yaml")
    detector_cmd: str | None = Field(None, description="command in the network's place")
    label_frames: FrameList | None = Field(None, description="frames whose labels are used")
    label_cameras: tuple[str, ...] = Field((), description="cameras whose labels are used")
    camera_map: dict[str, str] = Field({}, description="labels' camera: rig's camera")
    subject: str | None = Field(None, description="individual in the labels")
    groups: Path | None = Field(None, description="keypoints that are judged together")
    bones: Path | None = Field(None, description="bones with their limits")
    teacher: Path | None = Field(None, description="model that each round starts from")
    train: KeypointSettings = Field(KeypointSettings(), description="how our network is trained")

    @property
    def settings(self) -> BootstrapSettings:
        """What the run does, without the places of files."""
        return BootstrapSettings.model_validate(
            {name: getattr(self, name) for name in BootstrapSettings.model_fields}
        )


@dataclass(frozen=True)
class How:
    """How a command is run, apart from its settings."""

    overwrite: bool
    resume: bool
    dry_run: bool
    pause: bool
    reviews: tuple[Path, ...]


def is_dense(teacher: Path | None) -> bool:
    """Whether a model predicts fields; InputError for a file that is no model."""
    path = _model(teacher)
    if path is None:
        return False
    return not isinstance(read_header(path).config.target, KeypointTarget)


def plan(config: BootstrapConfig, how: How, say: Output) -> dict[str, Any]:
    """Say what would be done, after the same checks that a run makes."""
    _require_out(config, how)
    prepared = prepare(config, say)
    found = _facts(prepared)
    _introduce(prepared, say)
    say.say(f"would write up to {config.rounds} rounds to {config.out / ROUNDS}")
    return found


def run(config: BootstrapConfig, how: How, say: Output) -> dict[str, Any]:
    """Bootstrap, and return the summary."""
    _require_out(config, how)
    prepared = prepare(config, say)
    _introduce(prepared, say)
    anew = nullcontext() if how.resume else replacing(config.out, ROUNDS)
    with told(config.out, ROUNDS, "mvboot bootstrap", say.warn), anew:
        found = _rounds(config, prepared, how, say)
    forget_previous(config.out)
    return found


def prepare(config: BootstrapConfig, say: Output) -> Bootstrapping:
    """Read and check all that a run needs; InputError for what does not fit together."""
    capture = Capture.open(config.data, None if config.rig is None else load_rig(config.rig))
    labels = _labels(config, capture)
    _warn_of_strange_frames(labels, capture, say)
    train, held = (capture.split(name).tolist() for name in ("train", "validation"))
    frames = train if config.label_frames is None else list(config.label_frames)
    cameras = config.label_cameras or capture.training_cameras
    _require_labelled(config, capture, labels, frames, cameras)
    own = of_views(labels, cameras, frames)
    groups = None if config.groups is None else read_groups(config.groups)
    group_labels(labels, groups)  # InputError for what is no keypoint, before anything is learned
    return Bootstrapping(
        config.settings,
        capture,
        on_axes(own, capture.cameras, train),
        of_views(labels, capture.cameras, held),
        _detector(config, capture, say),
        groups,
        _bones(config, capture, labels),
    )


def _rounds(
    config: BootstrapConfig, prepared: Bootstrapping, how: How, say: Output
) -> dict[str, Any]:
    for path in how.reviews:
        adopted(path, config.out / ROUNDS)
    dump_yaml(config.model_dump(mode="json"), config.out / CONFIG)
    started = time.monotonic()
    done: list[Round] = []
    review = _Reviewing(prepared.capture, how.pause, say)
    with quiet():
        for one in prepared.rounds(config.out, review.shown):
            done.append(one)
            write_rounds(done, verdict(done, config.rounds, config.tolerance), config.out)
            _say_round(one, say)
    return _finished(config, prepared, done, review.waiting, time.monotonic() - started, say)


class _Reviewing:
    """Writes the sheet of a round, and says whether to wait for it to be read."""

    def __init__(self, capture: Capture, pause: bool, say: Output) -> None:
        self.capture, self.pause, self.say = capture, pause, say
        self.waiting: Path | None = None

    def shown(self, selection: Selection, folder: Path) -> bool:
        """Write it, if it is not there yet."""
        sheet = folder / SHEET
        if not sheet.is_file():
            self.say.say(
                f"round {selection.round}: {len(selection.chosen)} of {selection.frames} frames "
                f"chosen, {rejections(selection)} rejected"
            )
            labels = read_keypoints2d(folder / "labels.parquet")
            write_review_sheet(sheet, self.capture, selection, labels)
        if self.pause and not (folder / REVIEW).is_file():
            self.waiting = sheet
            return False
        return True


def _labels(config: BootstrapConfig, capture: Capture) -> Keypoints2D:
    stated = capture.stated.names
    found = load_keypoints(config.labels, cameras=(*stated, *config.camera_map))
    found = found.renamed(config.camera_map)
    found = found.renamed(respelled(stated, found.cameras))
    check_subject(found, config.subject, config.labels)
    found = of_subject(found, config.subject, 0.0)
    if len(found.individuals) > 1:
        raise InputError(
            f"has labels of {', '.join(found.individuals)}; choose one with --subject",
            where=config.labels,
        )
    known = [name for name in found.cameras if name in capture.cameras]
    unknown = [name for name in found.cameras if name not in stated]
    if unknown or not known:
        raise InputError(
            f"has labels of camera {', '.join(unknown or found.cameras)}, but the capture's are "
            f"{', '.join(capture.cameras)}; pair them with --camera-map LABELS=RIG",
            where=config.labels,
        )
    return found.for_cameras(known)


def _warn_of_strange_frames(labels: Keypoints2D, capture: Capture, say: Output) -> None:
    labelled = labels.frames[labelled_pictures(labels).any(0)]
    strange = np.setdiff1d(labelled, capture.frames)
    if len(strange):
        say.warn(
            f"{len(strange)} of {len(labelled)} labelled frames are not in the capture, as "
            f"{strange[0]}; are the frames numbered alike?"
        )


def _require_labelled(
    config: BootstrapConfig,
    capture: Capture,
    labels: Keypoints2D,
    frames: Sequence[int],
    cameras: Sequence[str],
) -> None:
    strange = [name for name in cameras if name not in capture.training_cameras]
    if strange:
        raise InputError(
            f"--label-cameras: {strange[0]!r} is no camera that trains; these are "
            f"{', '.join(capture.training_cameras)}"
        )
    outside = sorted(set(frames) - set(capture.split("train").tolist()))
    if outside:
        raise InputError(f"--label-frames: frame {outside[0]} is not among those that train")
    asked = of_views(labels, cameras, frames)
    there = set(asked.frames[labelled_pictures(asked).any(0)].tolist())
    without = sorted(set(frames) - there) if config.label_frames else []
    if without or not there:
        which = f"frame {without[0]}" if without else "the frames that train"
        raise InputError(f"has no labels of {which} in {', '.join(cameras)}", where=config.labels)


def _detector(config: BootstrapConfig, capture: Capture, say: Output) -> Detector:
    if config.detector_cmd is None:
        _require_own(config.train)
        stated = {"seed": config.seed, "agreement": config.agreement}
        settings = config.train.model_copy(update=stated)
        return NetworkDetector(settings, capture, _model(config.teacher), _once(say.warn))
    if config.teacher is not None:
        raise InputError("--teacher is for our network; --detector-cmd takes its place")
    if config.train != KeypointSettings():
        raise InputError("train.* are of our network; --detector-cmd takes its place")
    return CommandDetector(config.detector_cmd, capture, wanted_views(capture), config.seed)


def _require_own(train: KeypointSettings) -> None:
    """InputError for settings of a training that a run states for all rounds in another place."""
    for name, option in INSTEAD.items():
        if getattr(train, name) != getattr(KeypointSettings(), name):
            raise InputError(f"train.{name} is not for mvboot bootstrap; give {option}")


def _once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Return what passes each warning on once: every round has the same."""
    said: set[str] = set()

    def told(text: str) -> None:
        if text not in said:
            said.add(text)
            warn(text)

    return told


def _model(teacher: Path | None) -> Path | None:
    return teacher / MODEL if teacher is not None and teacher.is_dir() else teacher


def _bones(config: BootstrapConfig, capture: Capture, labels: Keypoints2D) -> Any:
    if config.bones is not None:
        return read_bones(config.bones, labels.keypoints)
    if capture.template is not None:
        return template_bones(capture.template, labels.keypoints, capture.rig.units)
    return ()


def _require_out(config: BootstrapConfig, how: How) -> None:
    """InputError where ``out`` is not as it must be, or a run goes on with other settings."""
    if how.resume and how.overwrite:
        raise InputError("--resume goes on with a run that --overwrite replaces; choose one")
    if not how.resume:
        if how.reviews:
            raise InputError("--review is of a round that was chosen before; give --resume too")
        require_free(config.out, how.overwrite)
        return
    path = config.out / CONFIG
    if not path.is_file():
        raise InputError("there is no run to --resume; start it without", where=config.out)
    before = load_yaml(path, BootstrapConfig)
    for name, was, now in differences(before, config, MAY_CHANGE):
        raise InputError(
            f"the run began with {name} {text_of(was)}, not {text_of(now)}; finished rounds would "
            "not fit: keep it, or start anew in another --out",
            where=path,
        )


def _facts(prepared: Bootstrapping) -> dict[str, Any]:
    capture = prepared.capture
    return {
        "labelled_pictures": int(labelled_pictures(prepared.labels).sum()),
        "held_out_labelled_pictures": int(labelled_pictures(prepared.held_out).sum()),
        "frames": len(capture.split("train")),
        "cameras": list(capture.training_cameras),
        "judged_by": list(prepared.judge.cameras),
        "pictures": len(prepared.views),
        "threshold_px": prepared.threshold_px,
        "bones": [bone.name for bone in prepared.bones],
        "groups": {name: list(members) for name, members in (prepared.groups or {}).items()},
    }


def _introduce(prepared: Bootstrapping, say: Output) -> None:
    facts = _facts(prepared)
    say.say(
        f"{facts['labelled_pictures']} labelled pictures, {facts['frames']} frames of "
        f"{len(facts['cameras'])} cameras to label; views agree within "
        f"{facts['threshold_px']:.2f} px"
    )
    say.say(
        f"judged by {', '.join(facts['judged_by'])}, and by "
        f"{facts['held_out_labelled_pictures']} labelled pictures of held-out frames"
    )
    warnings = [prepared.judge.warning]
    if not prepared.groups:
        warnings.append(
            "no --groups: each keypoint is judged alone, and wrong detections of many cameras may "
            "agree by chance"
        )
    if not prepared.bones:
        warnings.append("no --bones: lengths are not checked, and the body hides nothing")
    if len(facts["cameras"]) == 2:
        warnings.append("two cameras agree on a wrong point wherever their rays meet")
    warnings.append(prepared.selector.agreement.warning("these are not labelled anew"))
    for warning in warnings:
        if warning is not None:
            say.warn(warning)


def _say_round(one: Round, say: Output) -> None:
    held = "not known" if one.held_out_px is None else f"{one.held_out_px:.2f} px"
    pck = "" if one.pck is None else f", PCK .05 {one.pck:.3f}"
    say.say(f"round {one.round}: learned from {one.pictures} pictures, held-out {held}{pck}")


def _finished(
    config: BootstrapConfig,
    prepared: Bootstrapping,
    done: Sequence[Round],
    waiting: Path | None,
    seconds: float,
    say: Output,
) -> dict[str, Any]:
    found = verdict(done, config.rounds, config.tolerance)
    if found.stop is None and waiting is None:
        found = Verdict(found.best, f"no frame of round {len(done)} is believed")
    write_rounds(done, found, config.out)
    summary = {
        **_facts(prepared),
        **rounds_summary(done, found),
        "model": f"{ROUNDS}/{found.best:02d}/model",
        "waiting_for_review": None if waiting is None else str(waiting),
        "seconds": round(seconds, 1),
    }
    write_json(summary, config.out / SUMMARY)
    say.say()
    say.table(round_rows(done))
    if waiting is not None:
        say.say(f"\nlook through {waiting}, save the ticks beside it, and go on with --resume")
    else:
        say.say(f"\n{found.stop}; the best is round {found.best}: {config.out / summary['model']}")
    say.say(f"wrote {config.out}: {TABLE}, {SUMMARY}, {CONFIG}")
    return summary
