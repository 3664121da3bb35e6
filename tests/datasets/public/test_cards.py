"""Every data set has a card that says what its script relies on."""

import re
from pathlib import Path

import pytest

from mvboot.datasets import public

DATASETS = Path(__file__).parents[3] / "datasets"
NAMES = ("human36m", "panoptic", "ski_ptz", "open_monkey", "humbi", "coco_densepose", "rat7m")
LINES = 150


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_complete(name, script):
    names, text = script(name), (DATASETS / name / "card.md").read_text()
    assert names["CARD"] == f"datasets/{name}/card.md"
    assert f"| Licence | {names['LICENCE']}" in text
    for row in ("Source", "Cite"):
        assert f"| {row} | " in text
    for title in ("Layout", "What is converted", "Traps"):
        assert f"\n## {title}\n" in text
    assert re.search(r"\n\| Units", text) and "Not converted: " in text


@pytest.mark.parametrize("name", NAMES)
def test_the_command_on_the_card_has_the_options_of_the_script(name, script, capsys):
    text = (DATASETS / name / "card.md").read_text()
    command = next(line for line in text.splitlines() if line.startswith("    python datasets/"))
    assert command.split()[1:3] == [f"datasets/{name}/prepare.py", command.split()[2]]
    assert public.run(script(name)["prepare"], ["--help"]) == 0
    said = capsys.readouterr().out
    for option in re.findall(r"--[a-z-]+", command):
        assert option in said, option


@pytest.mark.parametrize("name", NAMES)
def test_scripts_are_short(name):
    assert len((DATASETS / name / "prepare.py").read_text().splitlines()) <= LINES
