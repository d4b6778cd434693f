"""LOCK, UNLOCK and the If field: RFC 4918 §6, §7, §9.10, §9.11, §10.4."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.dav import if_header
from servers.http.errors import BadRequest
from tests.dav import desk
from tests.dav.desk import DAV, Answer, Client

EVENTS = "/dav/groups/IAB/events/"
A = EVENTS + "a.ics"


def lock(client: Client, path: str, scope: str = "exclusive", depth: str = "0", **fields: str) -> Answer:
    body = (
        f'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>'
        "<D:owner><D:href>mailto:a@example.test</D:href></D:owner></D:lockinfo>"
    )
    return client.request("LOCK", path, body, depth=depth, **fields)


def token_of(answer: Answer) -> str:
    return answer.headers["lock-token"].strip("<>")


@pytest.fixture
def locked(alice: Client) -> str:
    """The token of alice's lock on an item of hers in the group's calendar."""
    alice.request("PUT", A, desk.event("a"))
    answer = lock(alice, A, timeout="Second-600")
    assert answer.status == 200
    return token_of(answer)


def test_a_lock_is_told_and_keeps_writers_out(alice: Client, bob: Client, locked: str) -> None:
    shown = alice.propfind(A, f"{DAV}lockdiscovery").prop(A, f"{DAV}lockdiscovery")
    assert shown is not None
    active = shown.find(f"{DAV}activelock")
    assert active is not None
    assert active.findtext(f"{DAV}locktoken/{DAV}href") == locked
    assert active.findtext(f"{DAV}depth") == "0"
    assert active.findtext(f"{DAV}lockroot/{DAV}href") == A
    assert active.findtext(f"{DAV}owner/{DAV}href") == "mailto:a@example.test"
    assert (active.findtext(f"{DAV}timeout") or "").startswith("Second-")
    refused = alice.request("PUT", A, desk.event("a", "x"))
    assert (refused.status, refused.precondition) == (423, f"{DAV}lock-token-submitted")
    assert refused.xml[0].findtext(f"{DAV}href") == A
    assert alice.request("DELETE", A).status == 423
    assert alice.request("PUT", A, desk.event("a", "x"), **{"if": f"(<{locked}>)"}).status == 204
    assert lock(alice, A).status == 423
    assert lock(alice, A, "shared").status == 423


def test_a_token_is_of_use_to_its_creator_only(alice: Client, bob: Client, locked: str) -> None:
    """RFC 4918 §6.4."""
    shown = bob.propfind(A, f"{DAV}lockdiscovery").text
    assert "activelock" in shown
    assert locked not in shown
    assert bob.request("UNLOCK", A, lock_token=f"<{locked}>").status in (403, 409)
    assert bob.request("PUT", A, desk.event("a", "x"), **{"if": f"(<{locked}>)"}).status in (403, 423)


def test_unlock_and_refresh(alice: Client, locked: str) -> None:
    renewed = alice.request("LOCK", A, **{"if": f"(<{locked}>)", "timeout": "Second-60"})
    assert renewed.status == 200
    assert "Second-60<" in renewed.text or "Second-59<" in renewed.text
    assert alice.request("LOCK", A, **{"if": "(<urn:uuid:none>)"}).status == 412
    assert alice.request("LOCK", A).status == 400
    assert alice.request("UNLOCK", A).status == 400
    wrong = alice.request("UNLOCK", A, lock_token="<urn:uuid:none>")
    assert (wrong.status, wrong.precondition) == (409, f"{DAV}lock-token-matches-request-uri")
    assert alice.request("UNLOCK", A, lock_token=f"<{locked}>").status == 204
    assert alice.request("PUT", A, desk.event("a", "x")).status == 204


def test_shared_locks_live_together(alice: Client) -> None:
    alice.request("PUT", A, desk.event("a"))
    first, second = lock(alice, A, "shared"), lock(alice, A, "shared")
    assert (first.status, second.status) == (200, 200)
    assert lock(alice, A).status == 423
    assert alice.request("PUT", A, desk.event("a", "x")).status == 423
    assert alice.request("PUT", A, desk.event("a", "x"), **{"if": f"(<{token_of(second)}>)"}).status == 204


def test_a_deep_lock_covers_members(alice: Client) -> None:
    """RFC 4918 §7.4."""
    own = "/dav/alice/private/events/"
    answer = lock(alice, own, depth="infinity")
    assert answer.status == 200
    token = token_of(answer)
    assert alice.request("PUT", own + "n.ics", desk.event("n")).status == 423
    assert alice.request("PUT", own + "n.ics", desk.event("n"), **{"if": f"<{own}> (<{token}>)"}).status == 201
    shown = alice.propfind(own, f"{DAV}lockdiscovery", depth="1").prop(own + "n.ics", f"{DAV}lockdiscovery")
    assert shown is not None
    assert shown.findtext(f"{DAV}activelock/{DAV}lockroot/{DAV}href") == own
    assert lock(alice, own + "n.ics").status == 423


def test_a_flat_lock_on_a_collection_guards_its_membership(alice: Client) -> None:
    own = "/dav/alice/private/events/"
    alice.request("PUT", own + "a.ics", desk.event("a"))
    token = token_of(lock(alice, own, depth="0"))
    assert alice.request("PUT", own + "b.ics", desk.event("b")).status == 423
    assert alice.request("DELETE", own + "a.ics").status == 423
    assert alice.request("PUT", own + "a.ics", desk.event("a", "x")).status == 204
    assert alice.request("DELETE", own + "a.ics", **{"if": f"<{own}> (<{token}>)"}).status == 204


def test_an_unused_name_is_reserved(alice: Client, bob: Client) -> None:
    """RFC 4918 §7.3 and docs/decisions/0051: nothing is listed there until the PUT."""
    answer = lock(alice, A)
    assert answer.status == 201
    token = token_of(answer)
    assert alice.request("GET", A).status == 404
    assert alice.propfind(EVENTS, f"{DAV}getetag", depth="1").hrefs() == [EVENTS]
    assert alice.request("PUT", A, desk.event("a")).status == 423
    assert alice.request("PUT", A, desk.event("a"), **{"if": f"(<{token}>)"}).status == 201
    assert alice.request("DELETE", A, **{"if": f"(<{token}>)"}).status == 204
    assert alice.request("PUT", A, desk.event("a")).status == 201  # the lock went with the item (§9.6)


def test_locking_needs_the_right_to_write(alice: Client, bob: Client, carol: Client) -> None:
    alice.request("PUT", A, desk.event("a"))
    assert lock(bob, A).precondition == f"{DAV}need-privileges"
    assert lock(bob, EVENTS + "new.ics").status == 403
    assert lock(bob, EVENTS).status == 403
    assert lock(carol, A).status == 409
    assert lock(bob, "/dav/alice/private/").status == 403


def test_bad_lock_requests(alice: Client) -> None:
    alice.request("PUT", A, desk.event("a"))
    assert lock(alice, A, depth="1").status == 400
    assert alice.request("LOCK", A, '<D:lockinfo xmlns:D="DAV:"/>', depth="0").status == 400
    assert alice.request("LOCK", EVENTS + "x/y.ics", "<a/>", depth="0").status in (400, 409)


def test_the_if_field_decides(alice: Client, locked: str) -> None:
    """RFC 4918 §10.4: lists are alternatives, conditions of a list all hold."""
    etag = alice.request("GET", A).headers["etag"]

    def put(value: str) -> int:
        return alice.request("PUT", A, desk.event("a", "x"), **{"if": value}).status

    assert put(f'(<{locked}> ["wrong"])') == 412
    assert put(f'(<{locked}> ["wrong"]) (Not <DAV:no-lock>)') == 204
    etag = alice.request("GET", A).headers["etag"]
    assert put(f"(<{locked}> [{etag}])") == 204
    assert put("(<urn:uuid:none>)") == 412
    assert put("(Not <urn:uuid:none>)") == 423
    assert put(f"<http://desk.test{A}> (<{locked}>)") == 204
    assert put(f"<http://elsewhere.test{A}> (<{locked}>)") == 412
    assert put("(") == 400
    assert alice.request("GET", A, **{"if": '(["wrong"])'}).status == 412


@pytest.mark.parametrize("text", ["", "()", "(Not)", "<a>", "(<a>", "(<a>) x", "(Not Not <a>)", '(["a)', "((<a>))"])
def test_broken_if_fields(text: str) -> None:
    with pytest.raises(BadRequest):
        if_header.parse(text)


_condition = st.builds(
    if_header.Condition,
    st.booleans(),
    st.text("abc019:-", min_size=1, max_size=8),
) | st.builds(
    lambda negated, tag: if_header.Condition(negated, etag=tag), st.booleans(), st.text("abc019-", max_size=8)
)
_lists = st.lists(st.lists(_condition, min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(_lists)
def test_if_fields_are_read_as_they_were_written(lists: list[list[if_header.Condition]]) -> None:
    def one(condition: if_header.Condition) -> str:
        token = f"<{condition.token}>" if condition.token else f'["{condition.etag}"]'
        return f"Not {token}" if condition.negated else token

    text = " ".join("(" + " ".join(one(condition) for condition in found) + ")" for found in lists)
    assert [list(found.conditions) for found in if_header.parse(text).lists] == lists


def test_a_conflicting_lock_is_named(alice: Client, bob: Client, locked: str) -> None:
    """RFC 4918 §9.10.6, §16: another lock is in the way, which is not a token that was forgotten."""
    for refused in (lock(alice, A), lock(alice, A, "shared"), lock(alice, A, **{"if": f"(<{locked}>)"})):
        assert (refused.status, refused.precondition) == (423, f"{DAV}no-conflicting-lock")
        assert refused.xml[0].findtext(f"{DAV}href") == A


def test_a_tree_with_a_locked_member_is_told_by_its_members(alice: Client, locked: str) -> None:
    """RFC 4918 §9.10.3: "MUST return a Multi-Status", with 424 for the Request-URI."""
    answer = lock(alice, EVENTS, depth="infinity")
    assert answer.status == 207
    assert answer.status_of(A) == "423 Locked"
    assert answer.status_of(EVENTS) == "424 Failed Dependency"
    assert lock(alice, EVENTS).status == 200
