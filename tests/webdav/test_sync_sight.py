"""What sync-collection tells of what comes into sight and goes out of it, and nothing of what never was (SYS-09, SYS-10)."""

from __future__ import annotations

import pytest

from storage import accounts, grants, groups, publishing, subtree_rights
from storage import principals as people
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
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


def test_a_root_that_is_closed_tells_nothing_of_what_is_in_it(alice: Client, bob: Client, store: Store) -> None:
    """ACL-12, SYS-09: a document or folder that is granted below a root which he does not see into has no name for him."""
    alice.request("PUT", HOME + "secret.txt", b"1")
    alice.request("MKCOL", HOME + "plans/")
    _, token = told(bob, HOME, "")
    allow(store, "alice", "bob", "secret.txt", Right.SEE)
    allow(store, "alice", "bob", "plans", Right.SEE_FOLDER)
    assert told(bob, HOME, token)[0] == {}
    alice.request("DELETE", HOME + "secret.txt")
    alice.request("DELETE", HOME + "plans/")
    assert told(bob, HOME, token)[0] == {}


def test_what_was_in_a_root_goes_when_it_is_closed(alice: Client, bob: Client, store: Store) -> None:
    """SYS-10: who does not see into a disk any more is told that what he saw there went; it stayed in his copy."""
    alice.request("PUT", HOME + "seen.txt", b"1")
    alice.request("PUT", HOME + "unseen.txt", b"1")
    alice.request("MKCOL", HOME + "plans/")
    allow(store, "alice", "bob", "", Right.SEE_FOLDER)
    allow(store, "alice", "bob", "seen.txt", Right.SEE)
    allow(store, "alice", "bob", "plans", Right.SEE_FOLDER)
    seen, token = told(bob, HOME, "")
    assert {HOME + "seen.txt", HOME + "plans/"} <= set(seen)
    allow(store, "alice", "bob", "", Right.SEE_FOLDER, take=True)
    seen, token = told(bob, HOME, token)
    assert {one: seen[one] for one in seen if "Drop" not in one} == {
        HOME + "seen.txt": "404 Not Found",
        HOME + "plans/": "404 Not Found",
    }
    allow(store, "alice", "bob", "", Right.SEE_FOLDER)
    assert {HOME + "seen.txt", HOME + "plans/"} <= set(told(bob, HOME, token)[0])


def test_a_drop_box_tells_a_depositor_nothing(alice: Client, bob: Client, store: Store) -> None:
    """DOC-32, SYS-09: neither what was shared of it nor what went from it has a name for who may only deposit."""
    box = HOME + "Drop%20box/"
    alice.request("PUT", HOME + "a", b"1")
    alice.request("MKCOL", HOME + "plans/")
    allow(store, "alice", "bob", "a", Right.SEE)
    _, token = told(bob, box, "")
    for name in ("a", "plans/"):
        assert alice.request("MOVE", HOME + name, destination=box + name).status == 201
    allow(store, "alice", "bob", "Drop box/plans", Right.SEE_FOLDER)
    for name in ("a", "plans/"):
        assert alice.request("MOVE", box + name, destination=HOME + name).status == 201
    assert told(bob, box, token)[0] == {}


def test_a_root_that_closes_with_a_membership_takes_all_along(alice: Client, bob: Client, store: Store) -> None:
    """SYS-10, ACL-08: of two groups in common the one ends by whose members' entries he saw root and folder."""
    with store.write(SITE) as tx:
        her, him = (people.find(tx, SpaceKind.PRIVATE, one) for one in ("alice", "bob"))
        other = groups.create(tx, "OTHER", admin=her)
        groups.add_member(tx, other, him)
    alice.request("MKCOL", HOME + "plans/")
    with store.write(actor(store, "alice")) as tx:
        for path in ("", "plans"):
            grants.grant(tx, disk.folder(tx, "alice", path), other, Right.SEE_FOLDER)
    seen, token = told(bob, HOME, "")
    assert HOME + "plans/" in seen
    with store.write(SITE) as tx:
        groups.expel(tx, other, him)
    assert told(bob, HOME, token)[0][HOME + "plans/"] == "404 Not Found"


def test_a_right_that_shows_nothing_opens_no_root(alice: Client, bob: Client, store: Store) -> None:
    """ACL-16, SYS-09: who joins a group that may add in a root it does not see is told nothing of what is in it."""
    with store.write(SITE) as tx:
        other = groups.create(tx, "OTHER", admin=people.find(tx, SpaceKind.PRIVATE, "alice"))
    alice.request("MKCOL", HOME + "plans/")
    _, token = told(bob, HOME, "")
    allow(store, "alice", "bob", "plans", Right.SEE_FOLDER)
    with store.write(actor(store, "alice")) as tx:
        grants.grant(tx, disk.folder(tx, "alice"), other, Right.ADD)
    for change in (groups.add_member, groups.expel):
        with store.write(SITE) as tx:
            change(tx, other, people.find(tx, SpaceKind.PRIVATE, "bob"))
        assert told(bob, HOME, token)[0] == {}


def test_a_root_that_closes_as_its_owner_leaves_takes_all_along(alice: Client, bob: Client, store: Store) -> None:
    """ACL-10, SYS-10: the same when the owner leaves the group, which ends the entries themselves."""
    with store.write(SITE) as tx:
        her, him = (people.find(tx, SpaceKind.PRIVATE, one) for one in ("alice", "bob"))
        other = groups.create(tx, "OTHER", admin=him)
        groups.add_member(tx, other, her)
    alice.request("MKCOL", HOME + "plans/")
    with store.write(actor(store, "alice")) as tx:
        for path in ("", "plans"):
            grants.grant(tx, disk.folder(tx, "alice", path), other, Right.SEE_FOLDER)
    seen, token = told(bob, HOME, "")
    assert HOME + "plans/" in seen
    with store.write(SITE) as tx:
        groups.expel(tx, other, her)
    assert told(bob, HOME, token)[0][HOME + "plans/"] == "404 Not Found"


def test_who_was_a_stranger_meanwhile_keeps_nothing(alice: Client, bob: Client, store: Store) -> None:
    """ACL-10, SYS-10: the only common group ends; in another one, later, he has no entry, and is told that all went."""
    with store.write(SITE) as tx:
        her, him = (people.find(tx, SpaceKind.PRIVATE, one) for one in ("alice", "bob"))
        iab = people.find(tx, SpaceKind.GROUP, "IAB")
    alice.request("MKCOL", HOME + "plans/")
    with store.write(actor(store, "alice")) as tx:
        for path in ("", "plans"):
            grants.grant(tx, disk.folder(tx, "alice", path), iab, Right.SEE_FOLDER)
    seen, token = told(bob, HOME, "")
    assert HOME + "plans/" in seen
    with store.write(SITE) as tx:
        groups.expel(tx, iab, him)
    assert bob.propfind(HOME).status == 404
    with store.write(SITE) as tx:
        groups.add_member(tx, groups.create(tx, "OTHER", admin=her), him)
    assert told(bob, HOME, token)[0][HOME + "plans/"] == "404 Not Found"


def test_a_folder_that_becomes_public_with_those_above_it_is_told(alice: Client, bob: Client, store: Store) -> None:
    """ACL-14, DOC-41, SYS-10: applied to all subfolders, "public" shows them to co-members who have no entry."""
    for folder in ("a/", "a/b/"):
        alice.request("MKCOL", HOME + folder)
    with store.write(actor(store, "alice")) as tx:
        for path in ("", "a"):
            publishing.set_public(tx, disk.folder(tx, "alice", path), True)
    seen, token = told(bob, HOME + "a/", "")
    assert seen == {}
    with store.write(actor(store, "alice")) as tx:
        assert subtree_rights.apply_to_subfolders(tx, disk.folder(tx, "alice", "a")) == 1
    assert bob.propfind(HOME + "a/", depth="1").hrefs() == [HOME + "a/", HOME + "a/b/"]
    assert told(bob, HOME + "a/", token)[0] == {HOME + "a/b/": ""}


def test_rights_of_a_tree_tell_nobody_of_folders_that_stay_hidden(alice: Client, bob: Client, store: Store) -> None:
    """ACL-14, SYS-09: who saw one of the folders is told of it alone, also when he sees into the one above later."""
    for name in ("plans/", "shown/"):
        alice.request("MKCOL", HOME + name)
    _, token = told(bob, HOME, "")
    allow(store, "alice", "bob", "shown", Right.SEE_FOLDER)
    with store.write(actor(store, "alice")) as tx:
        subtree_rights.apply_to_subfolders(tx, disk.folder(tx, "alice"))
    allow(store, "alice", "bob", "", Right.SEE_FOLDER)
    assert HOME + "plans/" not in told(bob, HOME, token)[0]


def test_what_was_thrown_away_keeps_its_rights(alice: Client, bob: Client, store: Store) -> None:
    """DOC-26: rights that are applied to all subfolders of the root are not those of a folder in the Trash."""
    alice.request("MKCOL", HOME + "secret/")
    alice.request("MKCOL", HOME + "open/")
    alice.request("DELETE", HOME + "secret/")
    allow(store, "alice", "bob", "", Right.SEE_FOLDER)
    with store.write(actor(store, "alice")) as tx:
        assert subtree_rights.apply_to_subfolders(tx, disk.folder(tx, "alice")) == 2, "open and wiki"
    assert alice.request("MOVE", HOME + "Trash/secret/", destination=HOME + "secret/").status == 201
    assert bob.propfind(HOME + "open/").status == 207
    assert bob.propfind(HOME + "secret/").status == 404


def test_what_was_public_goes_for_all_who_saw_it(alice: Client, bob: Client, store: Store) -> None:
    """DOC-41, SYS-10: co-members see it without an entry of their own, also those who came after it was made public."""
    allow(store, "alice", "bob", "", Right.SEE_FOLDER)
    web = HOME + "web/"
    for folder in (web, web + "inner/"):
        alice.request("MKCOL", folder)
        alice.request("PUT", folder + "a", b"1")
    for name in ("deleted", "renamed"):
        alice.request("PUT", HOME + name, b"1")
    with store.write(actor(store, "alice")) as tx:
        publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
        for name in ("deleted", "renamed"):
            publishing.set_public(tx, disk.file(tx, "alice", name), True)
    with store.write(SITE) as tx:
        groups.add_member(tx, people.find(tx, SpaceKind.GROUP, "IAB"), accounts.create(tx, "dora", "*"))
    allow(store, "alice", "dora", "", Right.SEE_FOLDER)
    late = Client(bob.app, "dora")
    for client in (bob, late):
        assert {HOME + "deleted", HOME + "renamed", web} <= set(told(client, HOME, "")[0])
    tokens = [(client, path, told(client, path, "")[1]) for client in (bob, late) for path in (HOME, web, web + "inner/")]
    assert alice.request("DELETE", HOME + "deleted").status == 204
    assert alice.request("MOVE", HOME + "renamed", destination=HOME + "new name").status == 201
    for path in (web + "inner/a", web + "a"):
        assert alice.request("DELETE", path).status == 204
    gone = {HOME: {HOME + "deleted", HOME + "renamed"}, web: {web + "a"}, web + "inner/": {web + "inner/a"}}
    for client, path, token in tokens:
        seen, _ = told(client, path, token)
        assert {one for one, status in seen.items() if status} == gone[path]
    tokens = [(client, path, told(client, path, "")[1]) for client in (bob, late) for path in (HOME, web)]
    assert alice.request("DELETE", web + "inner/").status == 204
    assert told(bob, web, tokens[1][2])[0][web + "inner/"] == "404 Not Found"
    assert alice.request("MOVE", web, destination=HOME + "old web").status == 201
    for client, _, token in tokens[::2]:
        assert told(client, HOME, token)[0][web] == "404 Not Found"


@pytest.mark.parametrize("way", ["ended", "deleted", "renamed"])
def test_a_publication_goes_from_a_root_that_is_closed(alice: Client, bob: Client, store: Store, way: str) -> None:
    """DOC-41, SYS-10: `web` is seen by all co-members, also by who sees nothing else of the disk; he kept it for ever."""
    web = HOME + "web/"
    alice.request("MKCOL", web)
    alice.request("PUT", HOME + "secret", b"1")
    allow(store, "alice", "bob", "secret", Right.SEE)
    _, token = told(bob, HOME, "")
    with store.write(actor(store, "alice")) as tx:
        publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
    seen, token = told(bob, HOME, token)
    assert seen == {web: ""}
    alice.request("DELETE", HOME + "secret")
    if way == "ended":
        with store.write(actor(store, "alice")) as tx:
            publishing.publish(tx, disk.folder(tx, "alice", "web"), False)
    elif way == "deleted":
        assert alice.request("DELETE", web).status == 204
    else:
        assert alice.request("MOVE", web, destination=HOME + "old").status == 201
    assert bob.propfind(web).status == 404
    seen, token = told(bob, HOME, token)
    assert seen == {web: "404 Not Found"}
    assert told(bob, HOME, token)[0] == {}


@pytest.mark.parametrize("space", ["IAB", "alice"])
def test_what_a_publication_shows_comes_and_goes(alice: Client, bob: Client, store: Store, space: str) -> None:
    """DOC-37, DOC-41, SYS-10: also in the folders of a published `web` that he sees anyhow, without what is in them."""
    hers, his = (GROUP.replace("bob", "alice"), GROUP) if space == "IAB" else (HOME, HOME)
    for path in ("web/", "web/x/"):
        assert alice.request("MKCOL", hers + path).status == 201
        assert alice.request("PUT", hers + path + "h", b"1").status == 201
    with store.write(actor(store, "alice")) as tx:
        iab, him = people.find(tx, SpaceKind.GROUP, "IAB"), people.find(tx, SpaceKind.PRIVATE, "bob")
        for path in ("", "web", "web/x"):
            if space == "alice":
                grants.grant(tx, disk.folder(tx, space, path), him, Right.SEE_FOLDER)
            elif path:
                for whom in (iab, him):
                    grants.withdraw(tx, disk.folder(tx, space, path), whom, Right.SEE, "h")
    tokens = {path: told(bob, his + path, "")[1] for path in ("web/", "web/x/")}
    for on in (True, False):
        with store.write(actor(store, "alice")) as tx:
            publishing.publish(tx, disk.folder(tx, space, "web"), on)
        for path, token in tokens.items():
            seen, tokens[path] = told(bob, his + path, token)
            assert seen[his + path + "h"] == ("" if on else "404 Not Found")
            assert (his + path + "h" in bob.propfind(his + path, "{DAV:}getetag", depth="1").hrefs()) is on
