"""``mvboot template``: any mesh made a template that fields can speak about."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import pairs
from mvboot.errors import InputError
from mvboot.stages.output import Output

MANY = 50_000
"""Vertices of a template above which fitting takes minutes a frame; details of a scan."""


def template(
    mesh: Annotated[Path, Argument(help="PLY, OBJ, GLB, STL, OFF, or NPZ of vertices and faces.")],
    out: Annotated[Path, Option(help="NPZ file to write.")],
    units: Annotated[str | None, Option(help="Unit of the mesh; no mesh file states it.")] = None,
    name: Annotated[str | None, Option(help="What it is called. [default: the file's]")] = None,
    up: Annotated[str | None, Option(help="Axis that points up: x, y, z, -x, -y or -z.")] = None,
    landmark: Annotated[
        list[str] | None,
        Option(
            metavar="NAME=VERTEX",
            help="A keypoint at a vertex of the file, counted from 0; repeatable.",
        ),
    ] = None,
    largest_piece: Annotated[
        bool, Option("--largest-piece", help="Keep the largest of several separate pieces.")
    ] = False,
    licence: Annotated[str, Option(help="Terms of the mesh, kept with it.")] = "",
    overwrite: Annotated[bool, Option("--overwrite", help="Replace what is there.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a template of a mesh: charts, an embedding and, where there is one, its symmetry."""
    landmarks = _vertices(landmark)
    _require_writable(out, overwrite)

    from mvboot.template import template_of_mesh

    say = Output(as_json)
    made = template_of_mesh(mesh, units, name, up, largest_piece, licence, landmarks)
    made.save(out)
    sides = (made.vertices.max(axis=0) - made.vertices.min(axis=0)).tolist()
    facts: dict[str, Any] = {
        "out": str(out),
        "name": made.name,
        "units": made.units,
        "size": sides,
        "vertices": len(made.vertices),
        "faces": len(made.faces),
        "parts": 0 if made.charts is None else len(made.charts.names),
        "symmetric": made.symmetry is not None,
        "keypoints": list(made.keypoints),
        "topology": made.topology,
    }
    size = " x ".join(f"{side:.3g}" for side in sides)
    say.say(
        f"wrote {out}: {made.name}, {facts['vertices']:,} vertices, {size} {made.units}, "
        f"{facts['parts']} parts, {'a' if facts['symmetric'] else 'no'} mirror symmetry across x, "
        f"{len(made.keypoints)} landmarks"
    )
    say.say(
        f"it has no bones: mvboot surface --template {out} turns and bends it as a whole; "
        "docs/template.md says how to give it a skeleton"
    )
    if len(made.vertices) > MANY:
        say.warn(
            f"{len(made.vertices):,} vertices are more than any field resolves, and slow to fit; "
            "thin the mesh out to about 10,000 in a mesh editor"
        )
    say.result(facts)


def _vertices(words: list[str] | None) -> dict[str, int]:
    """Return vertices by landmark; InputError for what is no vertex number."""
    found = {}
    for name, word in (pairs(words, "--landmark", "NAME=VERTEX") or {}).items():
        number = word.removeprefix("vertex:")
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise InputError(
                f"--landmark {name}={word[:40]}: a vertex is a whole number, counted from 0"
            )
        found[name] = int(number)
    return found


def _require_writable(path: Path, overwrite: bool) -> None:
    if path.suffix.lower() != ".npz":
        raise InputError("a template is written as .npz", where=path)
    if path.is_dir():
        raise InputError("is a folder; --out must name a file", where=path)
    if path.exists() and not overwrite:
        raise InputError("exists already; choose another path or add --overwrite", where=path)
