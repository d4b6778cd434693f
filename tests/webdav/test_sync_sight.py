"""What sync-collection tells of what comes into sight and goes out of it, and nothing of what never was (SYS-09, SYS-10)."""

from __future__ import annotations

from storage import grants, publishing
from storage import principals as people
from storage.store import Store
from storage.types import Right, SpaceKind
from tests.dav.desk import Client
from tests.storage import disk
from tests.webdav.test_lock_roots import actor

HOME = "/docs/alice/private/"
GROUP = "/docs/bob/IAB/"


def told(client: Client, path: str, token: str) -> tuple[dict[str, str], str]:
    """What a synchronisation tells: the href of each response with its status, "" for what is there; and the new token."""
    answer = client.sync(path, token)
    assert answer.status == 207, answer.text
    return {href: answer.status_of(href) for href in answer.hrefs()}, answer.sync_token


def allow(store: Store, owner: str, grantee: str, path: str, right: Right, *, take: bool = False) -> None:
    """Grant somebody a right on a folder or a file, or withdraw it."""
    space = "IAB" if owner == "IAB" else "alice"
    with store.write(actor(store, "alice")) as tx:
        whom = people.find(tx, SpaceKind.PRIVATE, grantee)
        above, _, name = path.rpartition("/")
        act = grants.withdraw if take else grants.grant
        if right & (Right.SEE | Right.EDIT):
            act(tx, disk.folder(tx, space, above), whom, right, name)
        else:
            act(tx, disk.folder(tx, space, path), whom, right)


def test_a_drop_box_comes_with_what_its_owner_puts_in(alice: Client) -> None:
    """DOC-05, SYS-07: listings show the drop box from its first document on, whoever put it there."""
    alice.request("PUT", HOME + "a", b"1")
    _, token = told(alice, HOME, "")
    box = HOME + "Drop%20box/"
    assert alice.request("COPY", HOME + "a", destination=box + "a").status == 201
    seen, token = told(alice, HOME, token)
    assert box in seen
    assert box in alice.propfind(HOME, "{DAV:}getetag", depth="1").hrefs()
    alice.request("PUT", box + "b", b"1")
    assert box not in told(alice, HOME, token)[0], "it was there already"


def test_a_groups_trash_comes_and_goes_with_the_right_to_delete(bob: Client, store: Store) -> None:
    """DOC-26, SYS-10: whoever may delete at the root sees the Trash; so the next synchronisation tells."""
    _, token = told(bob, GROUP, "")
    allow(store, "IAB", "bob", "", Right.DELETE)
    assert GROUP + "Trash/" in bob.propfind(GROUP, "{DAV:}getetag", depth="1").hrefs()
    seen, token = told(bob, GROUP, token)
    assert seen[GROUP + "Trash/"] == ""
    allow(store, "IAB", "bob", "", Right.DELETE, take=True)
    seen, _ = told(bob, GROUP, token)
    assert seen[GROUP + "Trash/"] == "404 Not Found"


def test_taking_from_the_public_what_it_never_had_tells_nobody(alice: Client, bob: Client, store: Store) -> None:
    """SYS-09: `document public --off` of what is not public told every co-member its name, as removed."""
    allow(store, "alice", "bob", "", Right.SEE_FOLDER)
    alice.request("PUT", HOME + "notice to bob.txt", b"1")
    alice.request("MKCOL", HOME + "layoffs/")
    _, token = told(bob, HOME, "")
    with store.write(actor(store, "alice")) as tx:
        publishing.set_public(tx, disk.file(tx, "alice", "notice to bob.txt"), False)
        publishing.set_public(tx, disk.folder(tx, "alice", "layoffs"), False)
    assert told(bob, HOME, token)[0] == {}
