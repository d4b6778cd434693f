"""The language of searches: criteria of a form and typed lines (DOC-35, DOC-36)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat
from storage.formats import search_query
from storage.formats.search_query import And, Between, Extension, Field, Not, Or, Words, advanced, is_like, simple

A, N, C = Field.ANY, Field.NAME, Field.CONTENT


def moment(*parts: int, zone: ZoneInfo | None = None) -> float:
    return datetime(*parts, tzinfo=zone or UTC).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("tea", Words(A, ("tea",))),
        ("tea cake", And((Words(A, ("tea",)), Words(A, ("cake",))))),
        ('"tea cake"', Words(A, ("tea", "cake"))),
        ("vir*", Words(A, ("vir",), True)),
        ("name:vir*", Words(N, ("vir",), True)),
        ("NAME:vir*", Words(N, ("vir",), True)),
        ("v*s", Words(A, ("v*s",))),
        ("name:V**r*S*", Words(N, ("V**r*S*",))),
        ("tea-v*s*.x*", And((Words(A, ("tea",)), Words(A, ("v*s*",)), Words(A, ("x",), True)))),
        ("bureau-virtuel.doc", Words(A, ("bureau", "virtuel", "doc"))),
        ('content:"annual report"', Words(C, ("annual", "report"))),
        ("tea & - cake", And((Words(A, ("tea",)), Words(A, ("cake",))))),
        ('"tea ca"*', Words(A, ("tea", "ca"), True)),
        ("a OR b c", Or((Words(A, ("a",)), And((Words(A, ("b",)), Words(A, ("c",))))))),
        ("a AND (b OR c)", And((Words(A, ("a",)), Or((Words(A, ("b",)), Words(A, ("c",))))))),
        ("a NOT b", And((Words(A, ("a",)), Not(Words(A, ("b",)))))),
        ("NOT NOT b", Not(Not(Words(A, ("b",))))),
        ("or and not", And((Words(A, ("or",)), Words(A, ("and",)), Words(A, ("not",))))),
        ("ext:.PDF", Extension("pdf")),
        ("size>1M", Between(Field.SIZE, 1048577.0, None)),
        ("size>=1.5K", Between(Field.SIZE, 1536.0, None)),
        ("size<10", Between(Field.SIZE, None, 10.0)),
        ("size=0", Between(Field.SIZE, 0.0, 1.0)),
        ("date>=2024-01-01", Between(Field.DATE, moment(2024, 1, 1), None)),
        ("date<=2024-01-01", Between(Field.DATE, None, moment(2024, 1, 2))),
        ("date>2024", Between(Field.DATE, moment(2025, 1, 1), None)),
        ("date:2024-12", Between(Field.DATE, moment(2024, 12, 1), moment(2025, 1, 1))),
        ("ÉLÈVE", Words(A, ("ÉLÈVE",))),
        ("author:ada description:x", And((Words(Field.AUTHOR, ("ada",)), Words(Field.DESCRIPTION, ("x",))))),
    ],
)
def test_typed_lines(typed: str, read: object) -> None:
    """DOC-36."""
    assert advanced(typed) == read


def test_days_are_those_of_the_person() -> None:
    zone = ZoneInfo("Europe/Paris")
    assert advanced("date:2024-07-14", zone=zone) == Between(
        Field.DATE, moment(2024, 7, 14, zone=zone), moment(2024, 7, 15, zone=zone)
    )


@pytest.mark.parametrize("typed", ["*virus", "name:*virus", "*", '"*virus"', "a OR *b", "* AND a"])
def test_a_leading_star_is_refused(typed: str) -> None:
    """DOC-35: a leading `*` is rejected."""
    with pytest.raises(BadFormat, match=r"\*"):
        advanced(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "(a",
        "a)",
        "()",
        "a OR",
        "AND a",
        "a AND OR b",
        "NOT",
        '"open',
        "name:",
        "name:(a)",
        "colour:red",
        "size>large",
        "date>=yesterday",
        "date:2024-02-30",
        "date:9999-12-31",
        "name>a",
        '"tea c*e"',
        "a-*b",
        "ext:*",
        "!?",
        "(" * 100 + "a" + ")" * 100,
        "NOT " * 100 + "a",
        "a " * 200,
        "a" * 5000,
    ],
)
def test_lines_that_cannot_be_read(typed: str) -> None:
    with pytest.raises(BadFormat):
        advanced(typed)


def test_a_form() -> None:
    """DOC-35: criteria added and removed; all of them, or at least one."""
    criteria = [(A, "tea cake"), (N, "vir*"), (C, ""), (Field.EXT, "doc"), (Field.SIZE, "> 1K"), (Field.DATE, "2024")]
    parts = (
        And((Words(A, ("tea",)), Words(A, ("cake",)))),
        Words(N, ("vir",), True),
        Extension("doc"),
        Between(Field.SIZE, 1025.0, None),
        Between(Field.DATE, moment(2024, 1, 1), moment(2025, 1, 1)),
    )
    assert simple(criteria) == And(parts)
    assert simple(criteria, every=False) == Or(parts)
    assert simple([(A, 'the "tea cake" OR')]) == And((Words(A, ("the",)), Words(A, ("tea", "cake")), Words(A, ("OR",))))
    for nothing in ([], [(A, " ")], [(A, "*x")], [(A, "...")]):
        with pytest.raises(BadFormat):
            simple(nothing)


def test_words_behind_not_are_no_terms() -> None:
    found = search_query.terms(advanced("a (b OR content:c) NOT d size>1"))
    assert [one.words for one in found] == [("a",), ("b",), ("c",)]


def test_neither_case_nor_accents_count() -> None:
    assert search_query.words_of("Été_STRASSE straße e\u0301t\u00e9 2024") == [
        "ete",
        "strasse",
        "strasse",
        "ete",
        "2024",
    ]


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from('ab*"() :<>=-.é\0\ud800ORANDTsizename'), max_size=40))
def test_any_line_is_read_or_refused(typed: str) -> None:
    try:
        advanced(typed)
    except BadFormat:
        return


@pytest.mark.parametrize(
    ("pattern", "word", "fits"),
    [
        ("v*s", "virus", True),
        ("v*s", "vs", True),
        ("v*s", "virusx", False),
        ("v*s", "avirus", False),
        ("vi*us", "vius", True),
        ("viru*rus", "virus", False),
        ("V*r*S*", "virusse", True),
        ("a*b*b", "ab", False),
        ("\u00e9*e", "eleve", True),
    ],
)
def test_any_letters_within_a_word(pattern: str, word: str, fits: bool) -> None:
    """DOC-35: `*` is zero or more characters; neither case nor accents count."""
    assert is_like(word, Words(A, (pattern,)).pieces) is fits


def test_many_stars_take_one_pass() -> None:
    """SYS-17: time grows as the word does."""
    assert not is_like("a" * 100_000, Words(A, ("a*" * 1_000 + "b",)).pieces)
