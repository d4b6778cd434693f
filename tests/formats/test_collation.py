"""Collations and where a text must stand (RFC 4790, RFC 5051, RFC 4791 §7.5, RFC 6352 §8.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats.collation import IDENTIFIERS, Collation, Match, fold, matches, named

ASCII, OCTET, UNICODE = Collation.ASCII_CASEMAP, Collation.OCTET, Collation.UNICODE_CASEMAP


@pytest.mark.parametrize(
    ("text", "wanted", "ascii_casemap", "octet", "unicode_casemap"),
    [
        ("Meeting in Berlin", "berlin", True, False, True),
        ("Meeting in Berlin", "Berlin", True, True, True),
        ("Élodie", "élodie", False, False, True),
        ("É", "É", True, True, True),
        ("É", "E\N{COMBINING ACUTE ACCENT}", False, False, True),  # composed and decomposed
        ("ﬁnance", "finance", False, False, False),  # titlecased one by one: fi is FI's compatibility form
        ("STRASSE", "straße", False, False, False),  # simple titlecase knows no expansion
        ("Straße", "STRAßE", True, False, True),
        ("Ωmega", "ωMEGA", False, False, True),
        ("ς", "σ", False, False, True),
        ("anything", "", True, True, True),
    ],
)
def test_what_contains_what(
    text: str, wanted: str, ascii_casemap: bool, octet: bool, unicode_casemap: bool
) -> None:
    assert matches(text, wanted, ASCII) is ascii_casemap
    assert matches(text, wanted, OCTET) is octet
    assert matches(text, wanted, UNICODE) is unicode_casemap


def test_match_types_of_carddav() -> None:
    """RFC 6352 §10.5.4."""
    assert matches("Daboo", "DA", UNICODE, Match.STARTS_WITH)
    assert not matches("Daboo", "boo", UNICODE, Match.STARTS_WITH)
    assert matches("Daboo", "BOO", UNICODE, Match.ENDS_WITH)
    assert not matches("Daboo", "dab", UNICODE, Match.ENDS_WITH)
    assert matches("Daboo", "daboo", UNICODE, Match.EQUALS)
    assert not matches("Daboo", "dabo", UNICODE, Match.EQUALS)


def test_identifiers() -> None:
    """RFC 4791 §7.5: no wildcards; "default" is i;ascii-casemap there, RFC 6352 §8.3 has another one."""
    assert IDENTIFIERS == ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
    assert named("i;octet", ASCII) is OCTET
    assert named("default", ASCII) is ASCII
    assert named("", UNICODE) is UNICODE
    assert named("i;*", ASCII) is None
    assert named("i;basic", ASCII) is None


@settings(max_examples=150)
@given(st.text(max_size=30), st.text(max_size=5), st.sampled_from(Collation))
def test_folding_is_idempotent_and_keeps_substrings(text: str, inner: str, collation: Collation) -> None:
    if collation is not UNICODE:
        assert fold(fold(text, collation), collation) == fold(text, collation)
    assert matches(inner, inner, collation, Match.EQUALS)
    if collation is not UNICODE:  # decomposition may reorder marks where texts are joined
        assert matches(text + inner + text, inner, collation)
