"""RE2 expressions: what matches, what is refused, and that no expression takes long.

Truths from Python's `re`, where both have the syntax, and from RE2's documentation.
"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.coordinator.patterns import Pattern, PatternError


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        ("", [""], ["a"]),
        ("abc", ["abc"], ["ab", "abcd", "ABC"]),
        ("a|bc|", ["a", "bc", ""], ["b", "abc"]),
        ("tx-.*", ["tx-", "tx-1"], ["tx", "tx-\n"]),
        ("a*b+c?", ["b", "aabbc", "bc"], ["a", "bcc"]),
        ("a*?b+?c??", ["b", "aabbc", "bc"], ["a", "bcc"]),
        ("a{2}", ["aa"], ["a", "aaa"]),
        ("a{2,}", ["aa", "aaaa"], ["a"]),
        ("a{0,2}", ["", "a", "aa"], ["aaa"]),
        ("a{,2}", ["a{,2}"], ["a", "aa"]),
        ("(ab)+(?:c|d)", ["abc", "ababd"], ["ab", "abcd"]),
        ("(?P<name>a)(?<other>b)", ["ab"], ["a"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[^a-c]", ["d", "-", "\n"], ["a"]),
        ("[]a-]", ["]", "a", "-"], ["b"]),
        ("[a\\]b]", ["a", "]", "b"], ["\\"]),
        ("[[:alpha:]_][[:^digit:]]", ["a_", "__"], ["1a", "a1"]),
        (r"\d\D\w\W\s\S", ["1a_- x"], ["aa_- x"]),
        (r"[\d.]+", ["1.2"], ["a"]),
        (r"\.\x41\x{1F600}\t", [".A\U0001f600\t"], ["xA"]),
        (r"\Qa.b*\E+", ["a.b*", "a.b**"], ["aab"]),
        (r"\Qa.b", ["a.b"], ["axb"]),
        (r"\pL\PL\p{Lu}\p{^Lu}", ["ä1Äa"], ["11Äa"]),
        ("(?i)aB[c-d]", ["abC", "ABd"], ["abe"]),
        ("(?i:a)b", ["Ab"], ["AB"]),
        ("a(?i)b|c", ["aB", "C"], ["AB"]),
        ("(?s).", ["\n"], [""]),
        (".", ["x"], ["\n"]),
        ("^ab$", ["ab"], ["ab\n"]),
        ("(?m)a$\n^b", ["a\nb"], ["ab"]),
        (r"\Aa\z", ["a"], ["aa"]),
        (r"a\b-\Ba?", ["a-"], ["a-a", "aa"]),
        ("(a*)*", ["", "aaa"], ["b"]),
        ("(|a)+", ["", "aa"], ["b"]),
    ],
)
def test_what_matches(expression: str, matching: list[str], other: list[str]) -> None:
    pattern = Pattern(expression)
    assert [text for text in matching if not pattern.fullmatch(text)] == []
    assert [text for text in other if pattern.fullmatch(text)] == []


@pytest.mark.parametrize(
    "expression",
    [
        *("(", ")", "a)", "(a", "[", "[a", "[b-a]", "*", "a**", "a+*", "a{2}{3}", "a{1001}", "a{3,2}"),
        *("(?=a)", "(?!a)", "(?<=a)", "(?P<>a)", "(?P=a)", "(?x)a", "(?i"),
        *("\\", r"\1", r"\z\8", r"\p{Nope}", r"\pX", "[[:nope:]]", r"\x", r"\xzz"),
    ],
)
def test_what_is_refused(expression: str) -> None:
    with pytest.raises(PatternError):
        Pattern(expression)


@pytest.mark.parametrize("expression", ["(" * 200 + ")" * 200, "(a{1000}){1000}", "((a{100}){100}){100}"])
def test_expressions_have_a_limit(expression: str) -> None:
    started = time.perf_counter()
    with pytest.raises(PatternError):
        Pattern(expression)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("expression", ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)b", "(a|aa)+b"])
def test_no_expression_takes_long(expression: str) -> None:
    started = time.perf_counter()
    assert not Pattern(expression).fullmatch("a" * 1000)
    assert time.perf_counter() - started < 1


pieces = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(?:ab|)", "a*", "b+", "(ab)?", "a{1,2}", r"\w", "(a*|b)+"]
)


@given(st.lists(pieces, max_size=6).map("".join), st.text("abc", max_size=8))
def test_as_python_does_where_the_syntax_is_the_same(expression: str, text: str) -> None:
    assert Pattern(expression).fullmatch(text) == (re.fullmatch(expression, text) is not None)
