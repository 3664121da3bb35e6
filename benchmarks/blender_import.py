"""Import surfaces into Blender and print how large, where and how they move there.

    PYTHON_OF_BPY benchmarks/blender_import.py animation.glb frame_000000.ply frame_000000.obj

Needs an interpreter that has Blender's module (`pip install bpy`), and nothing of mvboot. Blender
stands Z up and takes a file's numbers as metres; files that are Y up are turned by its importers.
"""

import sys
from pathlib import Path

import bpy
import numpy as np

IMPORTERS = {
    ".glb": bpy.ops.import_scene.gltf,
    ".ply": bpy.ops.wm.ply_import,
    ".obj": bpy.ops.wm.obj_import,
}


def main() -> None:
    """Import each file into an empty scene."""
    print(f"Blender {bpy.app.version_string}")
    for name in sys.argv[1:]:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        IMPORTERS[Path(name).suffix](filepath=str(Path(name).resolve()))
        described(Path(name).name)


def described(name: str) -> None:
    """Print the meshes of the scene, at its first and last frame where something moves."""
    meshes = [each for each in bpy.data.objects if each.type == "MESH" and not hidden(each)]
    bones = [len(each.data.bones) for each in bpy.data.objects if each.type == "ARMATURE"]
    pictures = [list(each.size) for each in bpy.data.images if each.size[0]]
    spans = [action.frame_range for action in bpy.data.actions]
    frames = sorted({round(edge) for span in spans for edge in span}) or [1]
    rate = bpy.context.scene.render.fps
    print(f"{name}: {len(meshes)} mesh, {bones} bones, pictures {pictures}, {rate} frames a second")
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        places = np.concatenate([placed(each) for each in meshes])
        low, high = places.min(0), places.max(0)
        print(
            f"  frame {frame}: {len(places)} vertices, x {low[0]:.3f} to {high[0]:.3f}, "
            f"y {low[1]:.3f} to {high[1]:.3f}, z {low[2]:.3f} to {high[2]:.3f} m"
        )


def hidden(mesh: bpy.types.Object) -> bool:
    """Return whether a mesh is only the handle that Blender draws bones with."""
    return any("glTF_not_exported" in each.name for each in mesh.users_collection)


def placed(mesh: bpy.types.Object) -> np.ndarray:
    """Return its vertices (n, 3) in the world, bones and shapes applied."""
    found = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(found.data.vertices))
    found.data.vertices.foreach_get("co", flat)
    matrix = np.array(mesh.matrix_world)
    return flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


if __name__ == "__main__":
    main()
