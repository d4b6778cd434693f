"""`$` after a sort (RFC 5182; RFC 5267 §3)."""

from __future__ import annotations

from tests.imap.client import Client


def test_the_saved_ends_are_those_told(alice: Client) -> None:
    """RFC 5182 §2.4: "the "$" marker would contain a single message as returned in the MIN/MAX return item"."""
    for option, number in (("MIN", 3), ("MAX", 1), ("PARTIAL 1:1", 3)):
        assert str(number) in alice.lines(f"SORT RETURN (SAVE {option}) (REVERSE ARRIVAL REVERSE SUBJECT) UTF-8 ALL")[0]
        (told,) = alice.lines("FETCH $ UID")
        assert told.startswith(f"* {number} FETCH"), option


def test_a_refused_sort_saves_nothing(alice: Client) -> None:
    """RFC 5182 §2.1: a "NO tagged response sets the value of the search result variable to the empty sequence"."""
    alice.lines("SEARCH RETURN (SAVE) ALL")
    assert "NO [BADCHARSET" in alice("SORT RETURN (SAVE) (DATE) NONE ALL")
    assert alice.lines("FETCH $ UID") == []
