"""Guards: what a reviewer would otherwise have to check by hand."""

import ast
import graphlib
import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

import mvboot

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "mvboot").rglob("*.py"))

SCRIPTS = sorted(
    path for top in ("benchmarks", "docs", "datasets") for path in (ROOT / top).rglob("*.py")
)

LEVELS = [
    {room.strip() for room in line.split(",")}
    for line in re.search(r"```rooms\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[
        1
    ].splitlines()
]
"""Rooms of the package from the ground up, as CONTRIBUTING draws them."""

HOMES = {name: home.removeprefix("mvboot.") for name, home in mvboot._HOME_OF.items()}
HOMES["__version__"] = "__init__"
"""Rooms of what ``from mvboot import`` gives."""

HEAVY = {"torch", "numba", "pandas", "cv2", "pycolmap", "matplotlib", "scipy", "h5py", "pyarrow"}
MAX_FILE, MAX_FUNCTION, MAX_EXAMPLE = 400, 80, 80


def tracked():
    """Return the files that belong to the project: what git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in found.stdout.splitlines() if (ROOT / line).is_file()]


def room(module):
    """Return the room of a module of ours: mvboot.formats.trc is in formats."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def level(name):
    return next(i for i, rooms in enumerate(LEVELS) if name in rooms)


def imported(path):
    """Yield (module, whether at import time) of every import statement."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            for name in {part.name for part in node.names} if node.module == "mvboot" else ():
                yield f"mvboot.{HOMES.get(name, name)}", id(node) not in inside
            yield node.module or "", id(node) not in inside


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    if path == ROOT / "mvboot" / "__init__.py":
        pytest.skip("the package's front door names everything, lazily")
    own = room(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for module, _ in imported(path):
        if not module.startswith("mvboot."):
            continue
        other = room(module)
        assert other == own or level(other) < level(own), f"{own} imports {module}"


def dependencies():
    """Return the modules that each module of ours imports as it is loaded."""
    modules = {}
    for path in SOURCES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        modules[".".join(part for part in parts if part != "__init__")] = path
    found = {}
    for name, path in modules.items():
        found[name] = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom):
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                found[name] |= {one if one in modules else node.module for one in whole}
    return {name: (wanted & modules.keys()) - {name} for name, wanted in found.items()}


def test_no_circle_of_imports_not_even_inside_a_room():
    graphlib.TopologicalSorter(dependencies()).prepare()


def test_every_room_has_its_level():
    rooms = {room(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in SOURCES}
    assert rooms <= set().union(*LEVELS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE
    assert text.strip(), "an empty module"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno - body[0].lineno + 1) if body else 0
            assert length <= MAX_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_import_what_mvboot_has(path):
    """Benchmarks need peers and hours: no test runs them, and imports would break unseen."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        beside = path.with_name(f"{node.module}.py")
        if beside.is_file():
            assert {alias.name for alias in node.names} <= defined(beside)
        elif (node.module or "").split(".")[0] == "mvboot":
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def defined(path):
    """Return the names that a script defines."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            found |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return found


def test_the_command_line_is_light_to_import():
    code = f"import mvboot.cli, sys; print(sorted({HEAVY!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def copied(folder):
    """Copy the project into a folder, and return it."""
    for path in tracked():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder


def test_an_editable_install_is_found_from_the_folder_beside_a_clone(tmp_path):
    clone, site = copied(tmp_path / "mvboot"), tmp_path / "site"
    code = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    site.mkdir()
    built = subprocess.run(
        [sys.executable, "-c", code, site], cwd=clone, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = site.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import os, site, sys\n"
        "sys.meta_path = [one for one in sys.meta_path if 'editable' not in repr(one)]\n"
        "own = [one for one in sys.path if one and os.path.isfile(one + '/mvboot/__init__.py')]\n"
        "sys.path = [one for one in sys.path if one not in own]  # this project's own install\n"
        "site.addsitedir(sys.argv[1])\n"
        "import mvboot\n"
        "print(mvboot.__file__)\n"
    )
    found = subprocess.run(
        [sys.executable, "-E", "-c", code, site],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout.strip() == str(clone / "mvboot" / "__init__.py"), found.stderr


def test_the_wheel_holds_nothing_but_mvboot(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path]
    source = copied(tmp_path / "source")
    built = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"mvboot", f"mvboot-{mvboot.__version__}.dist-info"}


@pytest.mark.parametrize("folder", ["calib", "datasets", "examples"])
def test_root_folders_are_no_packages(folder):
    assert (ROOT / folder).is_dir()
    assert not list((ROOT / folder).rglob("__init__.py"))


def setup():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def requirements(text):
    return {re.split(r"[<>=!~\[ ;]", line)[0] for line in text.split("\n") if line.strip()}


def test_every_requirement_is_imported_and_every_import_required():
    modules = {"opencv-python": "cv2", "ruamel.yaml": "ruamel", "typer": "typer"}
    modules |= {"tables": "pandas"}  # pandas needs PyTables for HDF5 and imports it itself
    extras = setup()["options.extras_require"]
    extra = requirements(extras["export"]) | requirements(extras["backbones"])
    required = requirements(setup()["options"]["install_requires"]) | extra
    wanted = {modules.get(name, name) for name in required} - {"h5netcdf"}  # xarray's engine
    used = {module.split(".")[0] for path in SOURCES for module, _ in imported(path)}
    foreign = {name for name in used if name not in sys.stdlib_module_names} - {"mvboot", ""}
    assert foreign == wanted


def test_development_versions_are_pinned_and_no_others():
    pinned = requirements(
        "\n".join(
            line
            for line in (ROOT / "constraints-dev.txt").read_text().splitlines()
            if not line.startswith("#")
        )
    )
    extras = setup()["options.extras_require"]
    named = requirements(setup()["options"]["install_requires"])
    named |= requirements(extras["export"]) | requirements(extras["dev"]) - {"%(export)s"}
    assert pinned == {name for name in named if name != "%"} - {"%("}


def test_the_version_is_one():
    assert f"version: {mvboot.__version__}" in (ROOT / "CITATION.cff").read_text()
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
    assert (
        "setuptools"
        in tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["build-backend"]
    )


def test_no_path_of_a_machine_is_in_the_project():
    pattern = re.compile(r"(?<![\w.])/(home|root|tmp|work|Users|opt)/\w")
    for path in tracked():
        if path.suffix in (".py", ".md", ".cfg", ".toml", ".yaml", ".txt", ".cff", "") and (
            path != Path(__file__)
        ):
            assert not pattern.search(path.read_text()), path


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name
)
def test_examples_run_and_are_short(path, tmp_path):
    assert len(path.read_text().splitlines()) < MAX_EXAMPLE
    found = subprocess.run(
        [sys.executable, path], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip()


def test_the_readme_names_every_format_and_command():
    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "formats.md").read_text()
    from mvboot.formats.detections import detection_formats
    from mvboot.formats.exports import EXPORTS
    from mvboot.formats.rigs import rig_formats
    from mvboot.formats.surfaces import SURFACE_EXPORTS

    for name in (*rig_formats(), *detection_formats(), *EXPORTS, *SURFACE_EXPORTS):
        assert f"`{name}`" in text, name
