"""CS:me-card: which card is oneself (ACC-02, docs/decisions/0090)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALENDARSERVER, CARDDAV, ESCRITOIRE
from storage.store import Store
from tests.caldav import desk as calendars
from tests.carddav import desk
from tests.carddav.desk import BOOK, HOME, TEAM, Answer, Client

NAME = f"{CALENDARSERVER}me-card"
ME = "/dav/principals/accounts/alice/"


def told(client: Client, path: str) -> str | None:
    found = client.propfind(path, NAME).prop(path, NAME)
    return None if found is None else str(found[0].text)


def choose(client: Client, path: str, href: str | None) -> Answer:
    change = f"<D:set><D:prop><CS:me-card><D:href>{href}</D:href></CS:me-card></D:prop></D:set>"
    if href is None:
        change = "<D:remove><D:prop><CS:me-card/></D:prop></D:remove>"
    answer = client.request("PROPPATCH", path, f"<D:propertyupdate {desk.NAMESPACES}>{change}</D:propertyupdate>")
    assert answer.status == 207
    return answer


@pytest.fixture
def cards(alice: Client) -> None:
    desk.put(alice, f"{BOOK}me.vcf", desk.card("me", "EMAIL:Alice@Example.test"))
    desk.put(alice, f"{BOOK}too.vcf", desk.card("too", "EMAIL:other@example.test"))
    desk.put(alice, f"{TEAM}team.vcf", desk.card("team"))


def test_the_card_with_one_s_address(alice: Client, cards: None) -> None:
    for path in (HOME, ME):
        assert told(alice, path) == f"{BOOK}me.vcf"
    assert alice.request("DELETE", f"{BOOK}me.vcf").status == 204
    assert told(alice, HOME) is None


def test_principal_address(alice: Client, bob: Client, cards: None) -> None:
    """RFC 6352 §7.1.2: the same card, told to oneself."""
    name = f"{CARDDAV}principal-address"
    found = alice.propfind(ME, name).prop(ME, name)
    assert found is not None
    assert found[0].text == f"{BOOK}me.vcf"
    assert bob.propfind(ME, name).prop(ME, name) is None


def test_a_choice(alice: Client, cards: None) -> None:
    assert "200 OK" in choose(alice, HOME, f"{BOOK}too.vcf").text
    for path in (HOME, ME):
        assert told(alice, path) == f"{BOOK}too.vcf"
    assert "200 OK" in choose(alice, ME, f"http://desk.test{BOOK}me.vcf").text
    assert told(alice, HOME) == f"{BOOK}me.vcf"
    choose(alice, HOME, f"{BOOK}too.vcf")
    assert "200 OK" in choose(alice, HOME, None).text
    assert told(alice, HOME) == f"{BOOK}me.vcf"
    choose(alice, HOME, f"{BOOK}too.vcf")
    assert alice.request("DELETE", f"{BOOK}too.vcf").status == 204
    assert told(alice, HOME) == f"{BOOK}me.vcf"


@pytest.mark.parametrize(
    "href", [f"{BOOK}none.vcf", f"{TEAM}team.vcf", BOOK, "", "nonsense", "http://elsewhere.test/me.vcf"]
)
def test_what_is_no_card_of_one_s_own(alice: Client, cards: None, href: str) -> None:
    answer = choose(alice, HOME, href)
    assert "403 Forbidden" in answer.text
    assert answer.xml.find(f".//{ESCRITOIRE}valid-me-card") is not None
    assert told(alice, HOME) == f"{BOOK}me.vcf"


def test_it_is_nobody_else_s_business(alice: Client, bob: Client, cards: None) -> None:
    assert told(bob, ME) is None
    assert told(bob, HOME) is None
    assert "403 Forbidden" in choose(bob, HOME, f"{BOOK}too.vcf").text
    assert "403 Forbidden" in choose(bob, "/dav/groups/IAB/", f"{TEAM}team.vcf").text
    assert told(alice, HOME) == f"{BOOK}me.vcf"


def test_whole_or_nothing(alice: Client, cards: None) -> None:
    """RFC 4918 §9.2: another instruction that fails leaves the choice as it was."""
    body = (
        f"<D:propertyupdate {desk.NAMESPACES}><D:set><D:prop><CS:me-card><D:href>{BOOK}too.vcf</D:href></CS:me-card>"
        "<D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>"
    )
    answer = alice.request("PROPPATCH", HOME, body)
    assert "424 Failed Dependency" in answer.text
    assert told(alice, HOME) == f"{BOOK}me.vcf"


def test_it_is_told_by_every_process(store: Store, alice: Client, cards: None) -> None:
    """SYS-03: a principal that the calendar process serves leads to the address book, wherever that is."""
    for settings, base in (({"front": True}, ""), ({"bases": {"carddav": "http://cards.test"}}, "http://cards.test")):
        client = Client(calendars.app(store, **settings), "alice")
        assert told(client, ME) == f"{base}{BOOK}me.vcf"
    assert "me-card" not in alice.propfind(ME).text  # among all properties it is not told
