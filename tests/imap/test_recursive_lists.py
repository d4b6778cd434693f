"""LIST with RECURSIVEMATCH: the rule itself, and lists of many names (RFC 5258 §3.5, SYS-17)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.imap.commands import listing
from servers.imap.patterns import matches
from storage.mail import names
from tests.imap.client import Client

Connect = Callable[..., Client]

_NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)


@given(st.sets(_NAMES), st.sampled_from(["%", "*", "a", "a/%", "%/b", "a*", "%/%/%"]))
def test_what_is_told_of_names_above(subscribed: set[str], pattern: str) -> None:
    """A name that fits is told if it is subscribed, or if one below it is and is not told for itself."""
    everything = subscribed | {above for name in subscribed for above in _above(name)}
    told = {name for name in subscribed if matches(pattern, name)}
    wanted = {
        name
        for name in everything
        if matches(pattern, name)
        and (name in told or any(one.startswith(name + "/") and one not in told for one in subscribed))
    }
    asked = listing.Asked(patterns=[pattern], select={"SUBSCRIBED", "RECURSIVEMATCH"})
    assert set(listing.chosen(asked, [], sorted(subscribed)).told) == wanted


@given(
    st.text(st.sampled_from("ab/*%"), max_size=8),
    st.text(st.sampled_from("ab/"), max_size=8),
)
def test_patterns(pattern: str, name: str) -> None:
    """RFC 9051 §6.3.9: as the same regular expression would have it."""
    told = "".join({"*": ".*", "%": "[^/]*"}.get(sign, re.escape(sign)) for sign in pattern)
    assert matches(pattern, name) == (re.fullmatch(told, name) is not None)


def test_patterns_of_the_inbox() -> None:
    """RFC 9051 §5.1: in any case; other names as they are written."""
    assert all(matches(pattern, "INBOX") for pattern in ("inbox", "iNb%", "*x", "in*", "%"))
    assert not matches("inbox", "Inbox2")
    assert not matches("A", "a")


def _above(name: str) -> list[str]:
    found = []
    while name := names.parent(name):
        found.append(name)
    return found


@pytest.mark.slow
def test_many_names(connect: Connect) -> None:
    """Two thousand subscriptions took a second, and twice as many four; whoever has them keeps others waiting."""
    client = connect()
    for number in range(2_000):
        client(f"SUBSCRIBE r{number // 100}/{number}")
    said = client('LIST (SUBSCRIBED RECURSIVEMATCH) "" (r* %)')
    assert len(re.findall(r'"r\d+/\d+"\r\n', said)) == 2_000
    assert "CHILDINFO" not in said
    assert len(re.findall(r'"r\d+" \("CHILDINFO"', client('LIST (SUBSCRIBED RECURSIVEMATCH) "" %'))) == 20
    for number in range(2_000):
        client(f"UNSUBSCRIBE r{number // 100}/{number}")
