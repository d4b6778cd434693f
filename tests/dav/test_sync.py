"""sync-collection: RFC 6578, SYS-07, SYS-10."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import grants
from storage import principals as people
from storage.collections import find
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
from tests.dav import desk
from tests.dav.desk import DAV, Client

EVENTS = "/dav/alice/private/events/"


def put(client: Client, *names: str, summary: str = "Tea") -> None:
    for name in names:
        assert client.request("PUT", f"{EVENTS}{name}.ics", desk.event(name, summary)).status in (201, 204)


def names(answer: desk.Answer) -> dict[str, str]:
    """href's name to "" if present, else its status."""
    return {href.removeprefix(EVENTS): answer.status_of(href) for href in answer.hrefs()}


def test_initial_then_changes(alice: Client) -> None:
    put(alice, "a", "b", "c")
    alice.request("DELETE", EVENTS + "c.ics")
    first = alice.sync(EVENTS)
    assert names(first) == {"a.ics": "", "b.ics": ""}  # removed members are not told
    assert first.sync_token == alice.propfind(EVENTS, f"{DAV}sync-token").xml.findtext(f".//{DAV}sync-token")
    again = alice.sync(EVENTS, first.sync_token)
    assert (names(again), again.sync_token) == ({}, first.sync_token)
    put(alice, "b", summary="New")
    alice.request("DELETE", EVENTS + "a.ics")
    later = alice.sync(EVENTS, first.sync_token)
    assert names(later) == {"b.ics": "", "a.ics": "404 Not Found"}


def test_a_cut_answer_continues(alice: Client) -> None:
    """RFC 6578 §3.6: 507 on the collection, and the token of the last change told."""
    put(alice, *"abcde")
    token, seen = "", dict[str, str]()
    for _ in range(3):
        answer = alice.sync(EVENTS, token, limit=2)
        found = names(answer)
        cut = found.pop("", None)
        seen |= found
        token = answer.sync_token
        if cut is None:
            break
        assert cut == "507 Insufficient Storage"
        assert "number-of-matches-within-limits" in answer.text
        assert len(found) == 2
    assert sorted(seen) == [f"{name}.ics" for name in "abcde"]
    assert names(alice.sync(EVENTS, token)) == {}


def test_the_server_has_a_limit_of_its_own(store: Store, alice: Client) -> None:
    put(alice, *"abc")
    small = Client(desk.app(store, max_results=2))
    first = small.sync(EVENTS)
    assert names(first)[""] == "507 Insufficient Storage"
    assert names(small.sync(EVENTS, first.sync_token)) == {"c.ics": ""}


def test_tokens_that_are_none_of_ours(alice: Client, bob: Client) -> None:
    """RFC 6578 §3.2 `valid-sync-token`."""
    put(alice, "a")
    good = alice.sync(EVENTS).sync_token
    other = alice.sync("/dav/alice/private/tasks/").sync_token
    ahead = good.rpartition(":")[0] + ":999999"
    for token in ("x", "urn:escritoire:sync:1:1:1", other, ahead, good + "x", "data:," + good):
        refused = alice.sync(EVENTS, token)
        assert (refused.status, refused.precondition) == (403, f"{DAV}valid-sync-token"), token


def test_a_collection_made_anew_does_not_honour_old_tokens(alice: Client) -> None:
    where = "/dav/alice/private/more/"
    make = '<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></D:resourcetype></D:prop></D:set></D:mkcol>'
    assert alice.request("MKCOL", where, make).status == 201
    token = alice.sync(where).sync_token
    assert alice.request("DELETE", where).status == 204
    assert alice.sync(where, token).status == 404
    assert alice.request("MKCOL", where, make).status == 201
    assert alice.sync(where, token).precondition == f"{DAV}valid-sync-token"


def test_bad_requests(alice: Client) -> None:
    def send(inner: str, path: str = EVENTS) -> desk.Answer:
        return alice.request("REPORT", path, f'<D:sync-collection xmlns:D="DAV:">{inner}</D:sync-collection>')

    assert send("<D:sync-level>1</D:sync-level><D:prop/>").status == 400
    assert send("<D:sync-token/><D:sync-level>2</D:sync-level><D:prop/>").status == 400
    assert send("<D:sync-token/><D:sync-level>infinite</D:sync-level><D:prop/>").status == 207
    zero = send("<D:sync-token/><D:sync-level>1</D:sync-level><D:limit><D:nresults>0</D:nresults></D:limit><D:prop/>")
    assert (zero.status, zero.precondition) == (403, f"{DAV}number-of-matches-within-limits")
    home = send("<D:sync-token/><D:sync-level>1</D:sync-level><D:prop/>", "/dav/alice/private/")
    assert (home.status, home.precondition) == (403, f"{DAV}supported-report")


def test_a_right_that_comes_and_goes(store: Store, alice: Client, bob: Client) -> None:
    """SYS-10: what the grantee sees changes at his next synchronisation, without a reset."""
    put(alice, "a")
    first = bob.sync(EVENTS)
    assert "-busy" in first.text
    with store.read(SITE) as tx:
        grantee = people.find(tx, SpaceKind.PRIVATE, "bob")
    with store.write(SITE) as tx:
        grants.grant(tx, find(tx, SpaceKind.PRIVATE, "alice", "events"), grantee, Right.SEE)
    second = bob.sync(EVENTS, first.sync_token)
    assert names(second) == {"a.ics": ""}
    assert "-busy" not in second.text
    assert names(alice.sync(EVENTS, alice.sync(EVENTS).sync_token)) == {}
    with store.write(SITE) as tx:
        grants.withdraw(tx, find(tx, SpaceKind.PRIVATE, "alice", "events"), grantee, Right.SEE)
    assert "-busy" in bob.sync(EVENTS, second.sync_token).text


def test_an_event_that_becomes_private_disappears(alice: Client, bob: Client) -> None:
    """ACL-24, SYS-10."""
    put(alice, "a", "b")
    token = bob.sync(EVENTS).sync_token
    alice.request("PUT", EVENTS + "a.ics", desk.event("a", extra="CLASS:PRIVATE\r\n"))
    assert names(bob.sync(EVENTS, token)) == {"a.ics": "404 Not Found"}
    assert names(bob.sync(EVENTS)) == {"b.ics": ""}
    assert bob.request("GET", EVENTS + "a.ics").status == 404


_EDITS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["put", "delete"])), max_size=12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=_EDITS, step=st.integers(1, 3), start=st.integers(0, 12))
def test_whoever_replays_ends_where_the_server_is(
    template: object, tmp_path_factory: object, edits: list[tuple[str, str]], step: int, start: int
) -> None:
    """The law of SYS-07, in cut answers of `step` members, from any earlier token."""
    import shutil
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp()) / "desk"
    shutil.copytree(str(template), folder)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    alice = Client(desk.app(store))
    token, held = "", set[str]()

    def catch_up() -> None:
        nonlocal token
        for _ in range(40):
            answer = alice.sync(EVENTS, token, limit=step)
            found = names(answer)
            token = answer.sync_token
            more = found.pop("", None)
            for name, status in found.items():
                if status:
                    held.discard(name)
                else:
                    held.add(name)
            if more is None:
                return
        raise AssertionError("the answers never end")

    for number, (name, what) in enumerate(edits):
        if number == start:
            catch_up()
        if what == "put":
            put(alice, name, summary=str(number))
        else:
            alice.request("DELETE", f"{EVENTS}{name}.ics")
    catch_up()
    listed = alice.propfind(EVENTS, f"{DAV}getetag", depth="1").hrefs()[1:]
    assert held == {href.removeprefix(EVENTS) for href in listed}
    store.close()
    shutil.rmtree(folder.parent)
