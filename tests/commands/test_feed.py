"""`escritoire feed`: secret addresses are made, listed and revoked (CALSYNC-19, CALSYNC-21)."""

from __future__ import annotations

import pytest

from tests.commands.conftest import Line


def test_make_list_revoke(line: Line) -> None:
    url = line("feed", "add", "alice", "alice/private/events/week.rss", "--name", "phone").strip()
    assert url.startswith("http://127.0.0.1:20005/feeds/token/")
    assert url.endswith("/alice/private/events/week.rss")
    made = line.json("feed", "add", "alice", "https://desk.test/feeds/groups/IAB/calendar.ics")
    assert made["url"].endswith("/groups/IAB/calendar.ics")
    listed = line.json("feed", "list", "alice")
    assert [(one["feed"], one["name"], one["last_used"]) for one in listed] == [
        ("alice/private/events/week", "phone", None),
        ("groups/IAB/calendar.ics", "", None),
    ]
    assert url.split("/")[5] not in str(listed)
    line("feed", "revoke", "alice", str(listed[0]["token"]), "--yes")
    assert [one["token"] for one in line.json("feed", "list", "alice")] == [made["token"]]
    assert "no feed token" in line("feed", "revoke", "bob", str(made["token"]), "--yes", status=1)


@pytest.mark.parametrize(
    "feed", ["alice", "alice/private/events/year.rss", "docs/alice/private/calendar.ics", "token/x/y"]
)
def test_what_is_no_feed(line: Line, feed: str) -> None:
    assert "is no feed" in line("feed", "add", "alice", feed, status=2)


def test_only_what_its_owner_sees(line: Line) -> None:
    """SYS-09: the refusal is that of what does not exist."""
    hidden = line("feed", "add", "carol", "alice/private/events/week.rss", status=1)
    absent = line("feed", "add", "carol", "nobody/private/events/week.rss", status=1)
    assert hidden.replace("alice", "nobody") == absent
