"""Text is read whatever a Windows program put in front of it; broken text is refused in a line."""

import pytest

from mvboot.errors import InputError
from mvboot.reading import head, read_json, read_text, read_toml


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_no_text(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_bytes('{"ä": 1}\r\n'.encode(encoding))
    assert read_text(path) == '{"ä": 1}\n'
    assert read_json(path) == {"ä": 1}
    assert head(path, 4) == '{"ä"'


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\x00\x80")
    with pytest.raises(InputError, match="is not a text file"):
        read_text(path)
    assert head(path)  # for sniffing, anything is text
    with pytest.raises(InputError, match="is a folder"):
        read_text(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_text(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("9" * 10_000, "a number is too long"),
        ('{"a":', "a.json:1:6: broken JSON"),
    ],
)
def test_broken_json(tmp_path, text, said):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_json(path)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = 9999-99-99", "a = ", "a = 1\na = 2"])
def test_broken_toml(tmp_path, text):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(InputError, match="broken TOML"):
        read_toml(path)
