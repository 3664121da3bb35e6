"""``mvboot rig convert | show | check | compare``, and the other commands on rigs."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from mvboot.commands.check import check
from mvboot.commands.locate import locate
from mvboot.commands.options import pairs
from mvboot.commands.refine import refine
from mvboot.commands.rig_template import template
from mvboot.commands.world import world
from mvboot.errors import InputError
from mvboot.stages.output import Output
from mvboot.units import UNIT_WORDS

app = typer.Typer(
    help="Read, convert and judge camera rigs of any format.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

RigPath = Annotated[Path, Argument(help="Rig file or folder, any known format.")]
Units = Annotated[
    str | None, Option(help=f"Unit of the lengths: {UNIT_WORDS}, if the file has none.")
]
Format = Annotated[
    str | None, Option("--format", "--rig-format", help="Format, if it is not recognised.")
]
Json = Annotated[bool, Option("--json", help="Print JSON.")]


@app.command()
def convert(
    source: RigPath,
    target: Annotated[Path, Argument(help="File or folder to write.")],
    units: Units = None,
    format: Format = None,
    to: Annotated[
        str | None, Option(help="Format to write, if the suffix does not say it.")
    ] = None,
    to_units: Annotated[str | None, Option(help=f"Convert the lengths to {UNIT_WORDS}.")] = None,
    resize: Annotated[
        list[str] | None,
        Option(
            metavar="CAMERA=WxH",
            help="Its pictures were scaled to fit into this size since it was calibrated, with "
            "bars on both sides if the shape differs; repeatable.",
        ),
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Convert a rig, read it back and print the largest pixel gap between the two."""
    from mvboot.formats.rigs import converted, load_rig
    from mvboot.stages.check import described

    say = Output(as_json)
    rig = load_rig(source, format, units)
    say.say(f"read {described(rig)}")
    _say_scale(rig, say)
    if to_units:
        rig = rig.in_units(to_units)
    rig = _resized(rig, pairs(resize, "--resize", "CAMERA=WxH") or {})
    if target.exists() and not overwrite and (target.is_file() or any(target.iterdir())):
        raise InputError("exists already; choose another path or add --overwrite", where=target)
    gaps, names, written = converted(rig, target, to)
    renamed = {a: b for a, b in names.items() if a != b}
    if renamed:
        told = ", ".join(f"{a} is now {b}" for a, b in renamed.items())
        say.warn(f"the format has no names for cameras: {told}")
    if written.units != rig.units:
        say.warn(f"the format's lengths are {written.units}: converted from {rig.units}")
    if written.up != rig.up:
        say.warn(
            f"up was {rig.up or 'unknown'} and reads as {written.up or 'unknown'} in this format"
        )
    say.say(
        f"wrote {target}; largest gap of a projected point, read back: {max(gaps.values()):.2g} px"
    )
    say.result({"target": str(target), "gap_px": gaps, "names": names})


@app.command()
def show(path: RigPath, units: Units = None, format: Format = None, as_json: Json = False) -> None:
    """Print the cameras of a rig: lens, field of view, place and distance."""
    from mvboot.calib.check import folding_lenses
    from mvboot.calib.show import rig_facts
    from mvboot.formats.rigs import load_rig
    from mvboot.stages.check import described

    say = Output(as_json)
    rig = load_rig(path, format, units)
    facts = rig_facts(rig)
    say.say(described(rig))
    _say_scale(rig, say)
    say.table(_camera_rows(facts["cameras"], rig.units))
    if facts["focus"] is not None:
        place = ", ".join(f"{value:.4g}" for value in facts["focus"])
        say.say(
            f"\nthe optical axes meet near ({place}) {rig.units}, "
            f"{facts['distance']:.4g} {rig.units} from the cameras"
        )
    for finding in folding_lenses(rig):
        say.warn(finding.message)
    say.result(facts)


@app.command()
def compare(
    first: RigPath,
    second: Annotated[Path, Argument(help="Another calibration of the same cameras.")],
    units: Units = None,
    as_json: Json = False,
) -> None:
    """Compare two calibrations, as given and after aligning their worlds."""
    from mvboot.calib import compare_rigs
    from mvboot.formats.detections import respelled
    from mvboot.stages.matching import say_pairs

    say = Output(as_json)
    one, other = _in_units((first, second), units)
    names = respelled(one.names, other.names)
    say_pairs(names, say)
    comparison = compare_rigs(one, other.renamed(names))
    for title, parts in (
        ("as given", comparison.as_given),
        (f"worlds aligned (scale {comparison.scale:.6g})", comparison.aligned),
    ):
        say.say(f"{title}:")
        header = (
            "camera",
            "rotation deg",
            f"centre {comparison.units}",
            "focal ratio",
            "centre px",
            "gap px",
        )
        rows = [
            (name, *(f"{value:.4g}" for value in vars(d).values())) for name, d in parts.items()
        ]
        say.table([header, *rows])
    say.result(comparison.as_dict())


app.command("check")(check)
app.command("locate")(locate)
app.command("refine")(refine)
app.command("world")(world)
app.command("template")(template)


def _in_units(paths: tuple[Path, Path], units: str | None) -> tuple[Any, Any]:
    """Return two rigs; ``units`` is of those that state none, and a check where both state it."""
    from mvboot.formats.rigs import load_rig

    def states_it(path: Path) -> bool:
        try:
            return bool(load_rig(path))
        except InputError:
            return False

    lacking = [path for path in paths if not states_it(path)] or paths
    first, second = (load_rig(p, units=units if p in lacking else None) for p in paths)
    return first, second


def _resized(rig: Any, sizes: dict[str, str]) -> Any:
    """Return a rig some of whose cameras' pictures were scaled since they were calibrated."""
    from dataclasses import replace

    cameras = dict(rig.cameras)
    for name, text in sizes.items():
        sides = text.lower().split("x")
        if name not in cameras or len(sides) != 2 or not all(map(str.isdecimal, sides)):
            raise InputError(
                f"--resize {name}={text} is not of the form CAMERA=WIDTHxHEIGHT with one of "
                f"{', '.join(cameras)}"
            )
        try:
            cameras[name] = cameras[name].resized((int(sides[0]), int(sides[1])))
        except ValueError as error:
            raise InputError(f"--resize {name}={text}: {error}") from None
    return replace(rig, cameras=cameras)


def _say_scale(rig: Any, say: Output) -> None:
    """Say what the reader noted and how large the filmed volume is, and warn where it is odd."""
    from mvboot.calib.scale import scale_warning, scale_words
    from mvboot.stages.matching import notes

    for note in notes(rig.provenance):
        say.warn(note)
    if len(rig) > 1:  # one camera tells nothing of depth
        say.say(scale_words(rig))
    warning = scale_warning(rig)
    if warning:
        say.warn(warning)


def _camera_rows(cameras: dict[str, dict[str, Any]], units: str) -> list[tuple[str, ...]]:
    header = ("camera", "size", "lens", "focal px", "view deg", f"centre {units}")
    return [
        header,
        *(
            (
                name,
                "x".join(str(v) for v in facts["size"]) if facts["size"] else "unknown",
                facts["lens"],
                f"{facts['focal_px']:.1f}",
                f"{facts['view_deg']:.1f}",
                ", ".join(f"{v:.4g}" for v in facts["center"]),
            )
            for name, facts in cameras.items()
        ),
    ]
