"""server.properties: the rules of java.util.Properties. The expected values were printed by Java 17."""

import pytest

from odradek.broker.config import ConfigError, parse_properties


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("", {}),
        ("# c\n! c\n  # c\n\n   \n", {}),
        ("a=b", {"a": "b"}),
        ("  a = b  \n", {"a": "b  "}),
        ("k:v\nk2 v2\nk3\nk4   =   \n", {"k": "v", "k2": "v2", "k3": "", "k4": ""}),
        ("k = = v", {"k": "= v"}),
        ("long=a\\\n   b\\\n# not a comment\n", {"long": "ab# not a comment"}),
        ("esc\\=key=1\nsp\\ ace=2\n\\#h=3\n", {"esc=key": "1", "sp ace": "2", "#h": "3"}),
        ("u=\\u00e9\\t|\n", {"u": "é\t|"}),
        ("emoji=\\ud83d\\ude00", {"emoji": "😀"}),
        ("back=x\\\\\nnext=1\n", {"back": "x\\", "next": "1"}),
        ("slash=C:\\tmp\\new", {"slash": "C:\tmp\new"}),
        ("a=1\r\nb=2\rc=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=1\na=2", {"a": "2"}),
        ("cont=x\\", {"cont": "x"}),
        ("# c \\\na=1", {"a": "1"}),
    ],
)
def test_lines_mean_what_they_mean_to_java(text: str, properties: dict[str, str]) -> None:
    assert parse_properties(text) == properties


def test_a_malformed_escape_is_an_error() -> None:
    with pytest.raises(ConfigError, match="four hexadecimal digits"):
        parse_properties("a=\\u00g0")
