"""Collations (RFC 4790, RFC 5051, RFC 4791 §7.5, RFC 6352 §8.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats.collation import (
    ASCII_CASEMAP,
    IDENTIFIERS,
    OCTET,
    UNICODE_CASEMAP,
    contains,
    fold,
    named,
)


@pytest.mark.parametrize(
    ("text", "wanted", "ascii_casemap", "octet", "unicode_casemap"),
    [
        ("Meeting in Berlin", "berlin", True, False, True),
        ("Meeting in Berlin", "Berlin", True, True, True),
        ("Élodie", "élodie", False, False, True),
        ("É", "É", True, True, True),
        ("É", "E\N{COMBINING ACUTE ACCENT}", False, False, True),  # composed and decomposed
        ("ﬁnance", "finance", False, False, False),  # the ligature has no simple titlecase
        ("STRASSE", "straße", False, False, False),  # simple titlecase knows no expansion
        ("Straße", "STRAßE", True, False, True),
        ("Ωmega", "ωMEGA", False, False, True),
        ("ς", "σ", False, False, True),
        ("anything", "", True, True, True),
    ],
)
def test_what_contains_what(text: str, wanted: str, ascii_casemap: bool, octet: bool, unicode_casemap: bool) -> None:
    assert contains(ASCII_CASEMAP, text, wanted) is ascii_casemap
    assert contains(OCTET, text, wanted) is octet
    assert contains(UNICODE_CASEMAP, text, wanted) is unicode_casemap


def test_identifiers() -> None:
    """RFC 4791 §7.5: no wildcards; "default" is i;ascii-casemap there, RFC 6352 §8.3 has another one."""
    assert IDENTIFIERS == ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
    assert named("i;octet", ASCII_CASEMAP) == OCTET
    assert named("default", ASCII_CASEMAP) == ASCII_CASEMAP
    assert named("", UNICODE_CASEMAP) == UNICODE_CASEMAP
    assert named("i;*", ASCII_CASEMAP) is None
    assert named("i;basic", ASCII_CASEMAP) is None
    with pytest.raises(ValueError, match="i;basic"):
        fold("i;basic", "x")


@settings(max_examples=150)
@given(st.text(max_size=30), st.text(max_size=5), st.sampled_from(IDENTIFIERS))
def test_folding_keeps_equality_and_substrings(text: str, inner: str, collation: str) -> None:
    assert contains(collation, inner, inner)
    if collation != UNICODE_CASEMAP:  # decomposition may reorder marks where texts are joined
        assert contains(collation, text + inner + text, inner)
        assert fold(collation, fold(collation, text)) == fold(collation, text)
