"""URLs of messages: whatever is read of one is what was written (RFC 5092, RFC 4467 §9)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.formats.imap_url import Authority, MessageUrl, parse

_NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(_NAME, _NAME, st.integers(1, 2**32 - 1), st.integers(0, 9), st.sampled_from(["user", "submit"]), _NAME)
def test_what_was_written(owner: str, mailbox: str, uid: int, first: int, kind: str, bearer: str) -> None:
    user, box, to = (quote(name, safe="") for name in (owner, mailbox, bearer))
    rump = (
        f"imap://{user}@h.example:143/{box};uidvalidity=7/;uid={uid}/;section=1/;partial={first}.2;urlauth={kind}+{to}"
    )
    token = "0f" * 33
    found = parse(f"{rump}:internal:{token}".encode())
    authority = Authority(kind, bearer, None, rump.encode(), "INTERNAL", token)
    assert found == MessageUrl(owner, mailbox, 7, uid, b"1", (first, 2), authority)


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    parse(octets)
    parse(b"imap://a@b/" + octets)
    parse(b"imap://a@b/c/;uid=1" + octets)


@pytest.mark.parametrize(
    "url",
    [
        b"imap://a@b/c/;uid=1",
        b"/c/;uid=1;urlauth=authuser",
        b"imap://a@b/;uid=1;urlauth=authuser",
        b"imap://a@b/c/;uid=1:internal:" + b"0" * 32,
        b"imap://a@b/c/;uid=1;urlauth=authuser:internal:" + b"0" * 31,
        b"imap://%ff@b/c/;uid=1;urlauth=authuser",
        b"imap://a@b/c/;uid=1;expire=2030-13-01T00:00:00Z;urlauth=authuser",
        b"imap://a@b/" + b"c" * 4_000 + b"/;uid=1;urlauth=authuser",
    ],
)
def test_what_is_none(url: bytes) -> None:
    assert parse(url) is None
