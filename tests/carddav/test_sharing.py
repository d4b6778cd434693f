"""Two people and a group through a contacts program's eyes (CON-07, CON-09..14, CON-25..27; ACL-05, 20..22; SYS-08..10)."""

from __future__ import annotations

import pytest

from servers.dav.names import CARDDAV, DAV
from storage.store import Store
from storage.types import Right
from tests.carddav import desk
from tests.carddav.desk import BOOK, TEAM, Client

ADA = desk.card("ada", "EMAIL:ada@engine.test", "NOTE:mathematician")
PATH = f"{BOOK}ada.vcf"


def etag(client: Client, path: str) -> str:
    return client.request("GET", path).headers["etag"]


@pytest.fixture
def ada(alice: Client) -> bytes:
    """A card in alice's own book."""
    desk.put(alice, PATH, ADA)
    return ADA


class TestPrivateBooks:
    """Table 3.2, ACL-22: all or nothing."""

    def test_closed_unless_opened(self, alice: Client, bob: Client, carol: Client, ada: bytes) -> None:
        for client in (bob, carol):
            for path in (PATH, BOOK, f"{BOOK}none.vcf"):
                assert client.request("GET", path).status == 404
                assert client.propfind(path).status == 404
            assert client.request("PUT", f"{BOOK}x.vcf", desk.card("x")).status in (404, 409)
            assert client.request("DELETE", PATH).status == 404
        listed = bob.propfind(desk.HOME, depth="1")
        assert BOOK not in listed.hrefs()

    def test_see_list(self, store: Store, alice: Client, bob: Client, ada: bytes) -> None:
        """CON-27."""
        desk.grant(store, BOOK, "bob", Right.SEE)
        assert bob.request("GET", PATH).body == ada
        assert desk.names(desk.query(bob, BOOK, '<A:prop-filter name="NOTE"/>')) == {"ada"}
        assert bob.request("PUT", PATH, ada.replace(b"mathematician", b"poet")).status == 403
        answer = bob.request("PUT", f"{BOOK}x.vcf", desk.card("x"))
        assert (answer.status, answer.precondition) == (403, f"{DAV}need-privileges")
        assert bob.request("DELETE", PATH).status == 403
        assert BOOK in bob.propfind(desk.HOME, depth="1").hrefs()

    def test_who_adds_edits_but_does_not_delete(self, store: Store, alice: Client, bob: Client, ada: bytes) -> None:
        """CON-10, ACL-05."""
        for right in (Right.SEE, Right.ADD):
            desk.grant(store, BOOK, "bob", right)
        desk.put(bob, f"{BOOK}x.vcf", desk.card("x"))
        desk.put(bob, f"{BOOK}x.vcf", desk.card("x", "NOTE:better"), if_match=etag(bob, f"{BOOK}x.vcf"))
        assert bob.request("DELETE", f"{BOOK}x.vcf").status == 403
        assert bob.request("PUT", PATH, ada.replace(b"mathematician", b"poet")).status == 403
        desk.grant(store, BOOK, "bob", Right.DELETE)
        assert bob.request("DELETE", f"{BOOK}x.vcf").status == 204
        desk.put(alice, f"{BOOK}y.vcf", desk.card("y"))

    def test_edit(self, store: Store, alice: Client, bob: Client, ada: bytes) -> None:
        for right in (Right.SEE, Right.EDIT):
            desk.grant(store, BOOK, "bob", right)
        desk.put(bob, PATH, ada.replace(b"mathematician", b"poet"), if_match=etag(bob, PATH))
        assert b"poet" in alice.request("GET", PATH).body

    def test_synchronisation_follows_the_right(self, store: Store, alice: Client, bob: Client, ada: bytes) -> None:
        """SYS-10: given, the cards appear; taken, the book is gone."""
        assert bob.sync(BOOK).status == 404
        desk.grant(store, BOOK, "bob", Right.SEE)
        answer = bob.sync(BOOK)
        assert answer.hrefs() == [PATH]
        desk.put(alice, f"{BOOK}new.vcf", desk.card("new"))
        answer = bob.sync(BOOK, answer.sync_token)
        assert answer.hrefs() == [f"{BOOK}new.vcf"]
        assert alice.request("DELETE", PATH).status == 204
        assert bob.sync(BOOK, answer.sync_token).status_of(PATH) == "404 Not Found"
        desk.grant(store, BOOK, "bob", Right.SEE, withdraw=True)
        assert bob.sync(BOOK, answer.sync_token).status == 404


class TestGroupBooks:
    """CON-11, CON-26, table 3.3."""

    def test_found_through_the_group_s_principal(self, alice: Client, bob: Client, carol: Client) -> None:
        group = "/dav/principals/groups/IAB/"
        answer = bob.propfind(group, f"{CARDDAV}addressbook-home-set", f"{DAV}displayname")
        home = answer.prop(group, f"{CARDDAV}addressbook-home-set")
        assert home is not None
        assert home[0].text == "/dav/groups/IAB/"
        assert TEAM in bob.propfind("/dav/groups/IAB/", depth="1").hrefs()
        assert bob.propfind("/dav/principals/groups/iab/").status == 404
        assert carol.propfind(group).status == 404
        assert carol.propfind(TEAM).status == 404

    def test_found_through_one_s_own(self, store: Store, bob: Client) -> None:
        me = "/dav/principals/accounts/bob/"
        separate = Client(desk.app(store, alias_collections=False), "bob")
        homes = separate.propfind(me, f"{CARDDAV}addressbook-home-set").prop(me, f"{CARDDAV}addressbook-home-set")
        assert homes is not None
        assert [href.text for href in homes] == ["/dav/bob/private/", "/dav/groups/IAB/"]

    def test_who_adds_edits_and_deletes(self, store: Store, alice: Client, bob: Client) -> None:
        path = f"{TEAM}x.vcf"
        assert bob.request("PUT", path, desk.card("x")).status == 403
        desk.grant(store, TEAM, "bob", Right.ADD)
        desk.put(bob, path, desk.card("x"))
        desk.put(bob, path, desk.card("x", "NOTE:better"))
        assert bob.request("DELETE", path).status == 403
        assert alice.request("PUT", path, desk.card("x", "NOTE:no")).status == 403  # ACL-06
        desk.grant(store, path, "alice", Right.EDIT, by="bob")  # by the creator, on the contact
        assert alice.request("PUT", path, desk.card("x", "NOTE:yes")).status == 204
        assert alice.request("DELETE", path).status == 204

    def test_edit_all_covers_what_its_giver_made(self, store: Store, alice: Client, bob: Client) -> None:
        """ACL-21: alice's "edit all" on her own book holds for her cards in the group's book."""
        path = f"{TEAM}x.vcf"
        desk.put(alice, path, desk.card("x"))
        assert bob.request("PUT", path, desk.card("x", "NOTE:no")).status == 403
        for right in (Right.SEE, Right.EDIT):
            desk.grant(store, BOOK, "bob", right)
        assert bob.request("PUT", path, desk.card("x", "NOTE:yes")).status == 204


class TestCategories:
    """CON-13, CON-14, SYS-08: categories belong to the person who set them."""

    @pytest.fixture
    def shared(self, alice: Client) -> str:
        path = f"{TEAM}x.vcf"
        desk.put(alice, path, desk.card("x", "CATEGORIES:Clients,VIP"))
        return path

    def test_each_sees_his_own(self, alice: Client, bob: Client, shared: str) -> None:
        assert b"CATEGORIES" not in bob.request("GET", shared).body
        before, token = etag(alice, shared), alice.sync(TEAM).sync_token
        his = bob.sync(TEAM).sync_token
        # He may not edit the card; his categories need only the right to see it.
        answer = bob.request("PUT", shared, desk.card("x", "CATEGORIES:Bores"), if_match=etag(bob, shared))
        assert answer.status == 204
        assert b"CATEGORIES:Bores" in bob.request("GET", shared).body
        assert b"CATEGORIES:Clients,VIP" in alice.request("GET", shared).body
        assert etag(alice, shared) == before
        assert alice.sync(TEAM, token).hrefs() == []
        assert bob.sync(TEAM, his).hrefs() == [shared]
        assert bob.request("PUT", shared, desk.card("x", "CATEGORIES:Bores", "NOTE:sly")).status == 403

    def test_removals_are_honoured(self, alice: Client, bob: Client, shared: str) -> None:
        desk.put(bob, shared, desk.card("x", "CATEGORIES:One,Two"))
        desk.put(bob, shared, desk.card("x", "CATEGORIES:Two"), if_match=etag(bob, shared))
        assert b"CATEGORIES:Two\r\n" in bob.request("GET", shared).body
        desk.put(bob, shared, desk.card("x"), if_match=etag(bob, shared))
        assert b"CATEGORIES" not in bob.request("GET", shared).body

    def test_edits_of_others_leave_them(self, alice: Client, bob: Client, shared: str) -> None:
        desk.put(bob, shared, desk.card("x", "CATEGORIES:Bores"))
        desk.put(alice, shared, desk.card("x", "CATEGORIES:Clients", "NOTE:new"))
        got = bob.request("GET", shared).body
        assert b"NOTE:new" in got
        assert b"CATEGORIES:Bores" in got
        assert b"Clients" not in got

    def test_searches_and_versions_see_one_s_own(self, alice: Client, bob: Client, shared: str) -> None:
        """CON-15."""
        desk.put(bob, shared, desk.card("x", "CATEGORIES:Bores"))
        for client, word, found in (
            (alice, "vip", {"x"}),
            (alice, "bores", set()),
            (bob, "bores", {"x"}),
            (bob, "vip", set()),
        ):
            condition = f'<A:prop-filter name="CATEGORIES"><A:text-match>{word}</A:text-match></A:prop-filter>'
            assert desk.names(desk.query(client, TEAM, condition)) == found
        assert b"CATEGORIES:Bores" in bob.request("GET", shared, accept="text/vcard;version=4.0").body
        texts = desk.data(desk.multiget(bob, TEAM, shared))
        assert "CATEGORIES:Bores" in texts[0]


def test_discovery(alice: Client, app: object) -> None:
    """CON-25, RFC 6764 §5, RFC 6352 §6.1, §7.1.1."""
    nobody = Client(app, "")  # type: ignore[arg-type]
    answer = nobody.propfind("/.well-known/carddav")
    assert answer.status in (301, 307, 308)
    assert answer.headers["location"].endswith("/dav/")
    found = alice.propfind("/dav/", f"{DAV}current-user-principal").xml.find(
        f".//{DAV}current-user-principal/{DAV}href"
    )
    assert found is not None
    me = str(found.text)
    home = alice.propfind(me, f"{CARDDAV}addressbook-home-set").prop(me, f"{CARDDAV}addressbook-home-set")
    assert home is not None
    assert home[0].text == desk.HOME
    assert BOOK in alice.propfind(desk.HOME, depth="1").hrefs()
    assert "addressbook" in alice.request("OPTIONS", BOOK).headers["dav"].split(", ")
    assert "calendar-access" not in alice.request("OPTIONS", BOOK).headers["dav"]
