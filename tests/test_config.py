from dataclasses import dataclass

import pytest
from pydantic import BaseModel, ConfigDict, model_validator

from mvboot import InputError
from mvboot.config import (
    apply_overrides,
    dump_yaml,
    from_options,
    load_mapping,
    load_yaml,
    parse_yaml,
)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    width: int
    tags: list[str] = []


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    parts: dict[str, Part]


@dataclass(frozen=True)
class Faults:
    dropped: float = 0.0
    noise: float = 0.0

    __pydantic_config__ = ConfigDict(extra="forbid")


GOOD = "name: a\nparts:\n  left:\n    width: 3\n    tags: [x, y]\n"


@pytest.fixture
def write(tmp_path):
    def save(text):
        path = tmp_path / "c.yaml"
        path.write_text(text)
        return path

    return save


def message(path, model=Whole):
    with pytest.raises(InputError) as error:
        load_yaml(path, model)
    return str(error.value)


def test_a_good_file(write):
    assert load_yaml(write(GOOD), Whole).parts["left"].tags == ["x", "y"]


def test_a_wrong_value_is_shown_where_it_stands(write):
    path = write(GOOD.replace("width: 3", "width: wide"))
    head, source, caret = message(path).splitlines()
    assert head.startswith(f"{path}:4:5: parts.left.width: ") and "'wide'" in head
    assert source.strip() == "width: wide" and caret.index("^") == source.index("width")


def test_a_misspelled_key_comes_first_with_the_nearest_one(write):
    found = message(write(GOOD.replace("width", "widht")))
    assert ":4:5: parts.left.widht: unknown key; did you mean 'width'?" in found
    assert "(and 1 more)" in found


def test_a_missing_key_is_shown_at_its_parent(write):
    assert ":3:3: parts.left.width: is missing" in message(write("name: a\nparts:\n  left: {}\n"))


def test_items_of_lists_have_positions(write):
    assert ":5:15: parts.left.tags.1: " in message(write(GOOD.replace("[x, y]", "[x, [2]]")))


@pytest.mark.parametrize("text", ["name: [a\n", "name: a\n  b: c\n", "\tname: a\n", "a: &x *y\n"])
def test_broken_yaml_has_a_position(write, text):
    assert "c.yaml:" in message(write(text)) and "broken YAML" in message(write(text))


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n"])
def test_a_file_without_keys(write, text):
    assert "must be a YAML file" in message(write(text))


def test_files_that_cannot_be_read(tmp_path):
    assert "no such file" in message(tmp_path / "none.yaml")
    assert "is a folder" in message(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    assert "is not a text file" in message(tmp_path / "b.yaml")


def test_overrides_are_yaml_values_at_dotted_keys():
    data = {"a": 1, "b": {"c": 2, "d": 3}}
    changed = apply_overrides(data, ["a=[1, 2]", "b.c=text", "e.f=2.5", "g=null"])
    assert changed == {"a": [1, 2], "b": {"c": "text", "d": 3}, "e": {"f": 2.5}, "g": None}
    assert data == {"a": 1, "b": {"c": 2, "d": 3}}, "the original is left alone"


@pytest.mark.parametrize("override", ["a", "=3", "a=[1"])
def test_overrides_that_are_none_are_named(override):
    with pytest.raises(InputError) as error:
        apply_overrides({}, [override])
    assert override in str(error.value)


def test_unknown_keys_say_which_there_are(write):
    class Detailed(BaseModel):
        part: Part | None = None
        pieces: list[Part] = []
        parts: dict[str, Part] = {}
        faults: Faults = Faults()

    places = {
        "part": {"part": {"qqq": 1}},
        "pieces.0": {"pieces": [{"qqq": 1}]},
        "parts.left": {"parts": {"left": {"qqq": 1}}},
    }
    for place, data in places.items():
        with pytest.raises(InputError, match=rf"^{place}.qqq: unknown key; there are width, tags$"):
            from_options(data, Detailed)
    with pytest.raises(InputError, match=r"^faults.qqq: unknown key; there are dropped, noise$"):
        from_options({"faults": {"qqq": 1}}, Detailed)
    with pytest.raises(InputError, match=r"did you mean 'noise'\? There are dropped, noise$"):
        from_options({"faults": {"nois": 1}}, Detailed)
    with pytest.raises(InputError, match=r"c.yaml:1:1: qqq: unknown key; there are name, parts"):
        load_mapping(write("qqq: 1\n"), Whole)


def test_what_no_single_setting_is_to_blame_for_has_no_place():
    class Checked(BaseModel):
        a: int = 0

        @model_validator(mode="after")
        def _never(self):
            raise ValueError("a and b differ")

    with pytest.raises(InputError, match=r"^a and b differ$"):
        from_options({}, Checked)
    with pytest.raises(InputError, match=r"^model\.yaml: a and b differ$"):
        from_options({}, Checked, "model.yaml")


def test_options_and_partial_files_know_their_keys(write):
    with pytest.raises(InputError, match="did you mean 'name'"):
        from_options({"nam": "a", "parts": {}}, Whole)
    assert load_mapping(write("name: a\n"), Whole) == {"name": "a"}
    with pytest.raises(InputError, match=r"c.yaml:2:1: part: unknown key; did you mean 'parts'"):
        load_mapping(write("name: a\npart: {}\n"), Whole)


def test_what_is_written_is_read_back(tmp_path):
    dump_yaml(load_like(), tmp_path / "w.yaml")
    assert load_yaml(tmp_path / "w.yaml", Whole).model_dump() == load_like()
    assert "[x, y]" in (tmp_path / "w.yaml").read_text(), "plain lists stay on one line"


def load_like():
    return {"name": "ä: #1", "parts": {"left": {"width": 3, "tags": ["x", "y"]}}}


def test_yaml_that_repeats_itself_without_end_is_refused():
    bomb = "a: &a [1, 1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
    )
    with pytest.raises(InputError, match="aliases"):
        parse_yaml(bomb, "a.yaml")
    assert parse_yaml("a: &a [1]\nb: *a", "a.yaml")["b"] == [1]


@pytest.mark.slow
def test_yaml_that_is_nested_too_deeply_is_refused():
    with pytest.raises(InputError, match="nested too deeply"):
        parse_yaml("[" * 5000 + "]" * 5000, "a.yaml")
