"""What is wrong with a rig, by itself and by detections of its subject."""

from dataclasses import dataclass, replace
from typing import Any

from mvboot.calib import Diagnosis, Finding, check_rig
from mvboot.calib.scale import scale_warning
from mvboot.formats.rigs import load_rig
from mvboot.rig import Rig
from mvboot.stages.matching import diagnosis_of, notes
from mvboot.stages.settings.check import CheckSettings


@dataclass(frozen=True)
class Checked:
    """A rig, its faults, what is worth a warning, and how detections fit it (None: not asked)."""

    rig: Rig
    findings: tuple[Finding, ...]
    warnings: list[str]
    diagnosis: Diagnosis | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        said = {} if self.diagnosis is None else self.diagnosis.as_dict()
        return said | {"findings": [vars(finding) for finding in self.findings]}


def checked(config: CheckSettings) -> Checked:
    """Read a rig, and detections where there are any, and judge it; InputError for bad input."""
    rig = load_rig(config.path, config.format, config.units)
    rig = replace(rig, up=config.up) if config.up else rig
    findings = tuple(check_rig(rig))
    scale = scale_warning(rig)
    if scale and all(finding.code != "implausible-units" for finding in findings):
        findings += (Finding("implausible-units", rig.names, scale),)
    warnings = notes(rig.provenance)
    if config.keypoints is None:
        return Checked(rig, findings, warnings)
    diagnosis, noted = diagnosis_of(rig, config.keypoints, config)
    findings += tuple(diagnosis.findings)
    return Checked(rig, findings, [*warnings, *noted, *diagnosis.doubts], diagnosis)


def described(rig: Rig) -> str:
    """Return in one line what a rig is."""
    source = rig.provenance.get("rig", {})
    up = f", {rig.up} up" if rig.up else ", up unknown"
    return (
        f"{source.get('file', 'rig')} ({source.get('format')}): {len(rig)} cameras, {rig.units}{up}"
    )
