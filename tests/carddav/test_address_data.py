"""Cards as they are read: versions by negotiation, parts, multiget (RFC 6352 §5.1.1, §8.7, §10.4; CON-01)."""

from __future__ import annotations

from typing import Any

import pytest

from servers.dav.names import CARDDAV, DAV
from tests.carddav import desk
from tests.carddav.desk import BOOK, HOME, TEAM, Client

THREE = desk.card(
    "ada",
    "EMAIL;TYPE=INTERNET,WORK:ada@engine.test",
    "item1.TEL;TYPE=CELL:+44 20 7946",
    "item1.X-ABLABEL:atelier",
    "TEL:000",
    "BDAY:1815-12-10",
    "X-ESCRITOIRE-LANG:en",
    "NOTE:one\\, two",
)
FOUR = desk.card(
    "charles",
    "EMAIL;TYPE=work;PREF=1:babbage@engine.test",
    "LANG:en",
    "KIND:individual",
    name="Charles Babbage",
    version="4.0",
)
A, B = f"{BOOK}a.vcf", f"{BOOK}b.vcf"


@pytest.fixture
def stored(alice: Client) -> None:
    """Ada as vCard 3.0, Charles as 4.0."""
    desk.put(alice, A, THREE)
    desk.put(alice, B, FOUR)


def version(text: bytes | str) -> str:
    lines = (text.decode() if isinstance(text, bytes) else text).split("\r\n")
    return next(line for line in lines if line.startswith("VERSION")).removeprefix("VERSION:")


@pytest.mark.parametrize(
    ("accept", "of_three", "of_four"),
    [
        (None, "3.0", "4.0"),  # as it was stored
        ("*/*", "3.0", "4.0"),
        ("text/*", "3.0", "4.0"),
        ("text/vcard", "3.0", "4.0"),
        ("text/vcard;version=4.0", "4.0", "4.0"),
        ('text/vcard; version="3.0"', "3.0", "3.0"),
        ("text/vcard;version=4.0, text/vcard;version=3.0;q=0.5", "4.0", "4.0"),
        ("text/vcard;version=4.0;q=0.3, text/vcard;version=3.0;q=0.9", "3.0", "3.0"),
        ("text/vcard;version=4.0;q=0, */*", "3.0", "3.0"),
        ("text/x-vcard", "3.0", "4.0"),
        ("text/html, text/vcard;version=4.0;q=0.1", "4.0", "4.0"),
        ("text/vcard;version=4.0, text/vcard;charset=utf-8;q=0.8, text/vcard;q=0.5", "4.0", "4.0"),  # DAVx5
    ],
)
def test_negotiation(alice: Client, stored: None, accept: str | None, of_three: str, of_four: str) -> None:
    """§5.1.1, RFC 9110 §12.5.1."""
    fields: dict[str, Any] = {} if accept is None else {"accept": accept}
    for path, wanted in ((A, of_three), (B, of_four)):
        got = alice.request("GET", path, **fields)
        assert got.status == 200
        assert version(got.body) == wanted
        assert got.headers["content-type"] == f"text/vcard; charset=utf-8; version={wanted}"
        assert got.headers["etag"] == alice.request("GET", path).headers["etag"]


@pytest.mark.parametrize("accept", ["text/vcard;version=2.1", "application/json", "text/html;q=1", "*/*;q=0"])
def test_what_cannot_be_given(alice: Client, stored: None, accept: str) -> None:
    """§5.1.1.1, CARDDAV:supported-address-data-conversion."""
    answer = alice.request("GET", A, accept=accept)
    assert (answer.status, answer.precondition) == (406, f"{CARDDAV}supported-address-data-conversion")


def test_stored_octets(alice: Client) -> None:
    """§6.3.2.3: an ETag is answered, for a GET gives the very octets; both versions stay as they came (§6.3.2.2)."""
    for path, body in ((A, THREE), (B, FOUR)):
        answer = desk.put(alice, path, body)
        got = alice.request("GET", path)
        assert got.body == body
        assert got.headers["etag"] == answer.headers["etag"]


def test_conversion_keeps_what_there_is(alice: Client, stored: None) -> None:
    four = alice.request("GET", A, accept="text/vcard;version=4.0").text
    for line in ("LANG:en", "BDAY:18151210", "item1.X-ABLABEL:atelier", "NOTE:one\\, two", "UID:ada"):
        assert line in four.split("\r\n"), line
    three = alice.request("GET", B, accept="text/vcard;version=3.0").text
    assert "X-ESCRITOIRE-LANG:en" in three
    assert "EMAIL;TYPE=work,pref:" in three


class TestReports:
    def test_the_default_version_is_3(self, alice: Client, stored: None) -> None:
        """§10.4: version "3.0" by default; whole cards, in every report."""
        for answer in (
            desk.multiget(alice, BOOK, A, B),
            desk.query(alice, BOOK, prop="<A:address-data/>"),
            desk.query(alice, BOOK, prop='<A:address-data content-type="text/vcard"/>'),
            desk.query(alice, BOOK, prop='<A:address-data content-type="text/vCard; charset=utf-8"/>'),
        ):
            texts = desk.data(answer)
            assert [version(text) for text in texts] == ["3.0", "3.0"]
            assert THREE.decode() in texts

    def test_the_other_one_if_asked(self, alice: Client, stored: None) -> None:
        wanted = '<A:address-data content-type="text/vcard" version="4.0"/>'
        texts = desk.data(desk.multiget(alice, BOOK, A, B, prop=wanted))
        assert [version(text) for text in texts] == ["4.0", "4.0"]
        assert FOUR.decode() in texts

    @pytest.mark.parametrize("attributes", ['version="2.1"', 'version="5.0"', 'content-type="application/vcard+json"'])
    def test_no_other(self, alice: Client, stored: None, attributes: str) -> None:
        """§8.6, §8.7: CARDDAV:supported-address-data."""
        wanted = f"<A:address-data {attributes}/>"
        for answer in (desk.multiget(alice, BOOK, A, prop=wanted), desk.query(alice, BOOK, prop=wanted)):
            assert (answer.status, answer.precondition) == (403, f"{CARDDAV}supported-address-data")

    def test_parts(self, alice: Client, stored: None) -> None:
        """§10.4.2: a name without a group takes all, with one only that; novalue keeps name and parameters."""
        wanted = '<A:address-data><A:prop name="VERSION"/><A:prop name="item1.TEL"/><A:prop name="email" novalue="yes"/></A:address-data>'
        (text,) = desk.data(desk.multiget(alice, BOOK, A, prop=wanted))
        assert text.split("\r\n") == [
            "BEGIN:VCARD",
            "VERSION:3.0",
            "EMAIL;TYPE=INTERNET,WORK:",
            "item1.TEL;TYPE=CELL:+44 20 7946",
            "END:VCARD",
            "",
        ]
        (text,) = desk.data(desk.multiget(alice, BOOK, A, prop='<A:address-data><A:prop name="TEL"/></A:address-data>'))
        assert text.count("TEL") == 2
        (text,) = desk.data(desk.multiget(alice, BOOK, A, prop="<A:address-data><A:allprop/></A:address-data>"))
        assert text.encode() == THREE

    def test_parts_of_the_other_version(self, alice: Client, stored: None) -> None:
        wanted = '<A:address-data version="4.0"><A:prop name="LANG"/></A:address-data>'
        (text,) = desk.data(desk.multiget(alice, BOOK, A, prop=wanted))
        assert text.split("\r\n") == ["BEGIN:VCARD", "VERSION:4.0", "LANG:en", "END:VCARD", ""]

    def test_it_is_no_property(self, alice: Client, stored: None) -> None:
        answer = alice.propfind(A, f"{CARDDAV}address-data")
        assert answer.prop(A, f"{CARDDAV}address-data") is None


class TestMultiget:
    def test_present_absent_foreign(self, alice: Client, stored: None) -> None:
        desk.put(alice, f"{TEAM}t.vcf", desk.card("t"))
        strange = ["/etc/passwd", "http://elsewhere.test/x", f"{BOOK}..%2Fa.vcf", "", f"{TEAM}t.vcf", f"{BOOK}none.vcf"]
        answer = desk.multiget(alice, BOOK, A, *strange, f"http://desk.test{B}")
        assert len(desk.data(answer)) == 2
        assert answer.text.count("404 Not Found") == len(strange)
        assert len(desk.data(desk.multiget(alice, f"{BOOK}a.vcf", A))) == 1

    def test_encoded_names(self, alice: Client) -> None:
        desk.put(alice, f"{BOOK}Zo%C3%AB%20%26%20co.vcf", desk.card("z"))
        for href in (
            f"{BOOK}Zo%C3%AB%20%26%20co.vcf",
            f"{BOOK}Zo%C3%AB%20&amp;%20co.vcf",
            f"{BOOK}Zoe%CC%88%20%26%20co.vcf",
        ):
            answer = desk.multiget(alice, BOOK, href)
            assert len(desk.data(answer)) == 1, href

    def test_hidden_and_empty(self, alice: Client, bob: Client, carol: Client, stored: None) -> None:
        """CON-27, ACL-22: without "see list" there is no book."""
        assert desk.multiget(bob, BOOK, A).status == 404
        assert desk.multiget(carol, BOOK, A).status == 404
        assert desk.report(alice, BOOK, "<A:addressbook-multiget><D:prop/></A:addressbook-multiget>").status == 400

    def test_too_many(self, alice: Client, stored: None) -> None:
        hrefs = [f"{BOOK}{number}.vcf" for number in range(10_001)]
        answer = desk.multiget(alice, BOOK, *hrefs, prop="<D:getetag/>")
        assert (answer.status, answer.precondition) == (403, f"{DAV}number-of-matches-within-limits")

    def test_cards_in_a_synchronisation(self, alice: Client, stored: None) -> None:
        """Thunderbird asks for the cards in the very report (RFC 6578 §3.2 names any property)."""
        body = (
            "<D:sync-collection><D:sync-token/><D:sync-level>1</D:sync-level>"
            "<D:prop><D:getetag/><A:address-data/></D:prop></D:sync-collection>"
        )
        assert len(desk.data(desk.report(alice, BOOK, body))) == 2


def test_what_a_book_says_of_itself(alice: Client) -> None:
    """§6.2, §8.3.1."""
    names = ("addressbook-description", "supported-address-data", "supported-collation-set", "max-resource-size")
    answer = alice.propfind(BOOK, *(f"{CARDDAV}{name}" for name in names))
    for text in ('version="3.0"', 'version="4.0"', "i;unicode-casemap", ">10485760<"):
        assert text in answer.text
    kinds = alice.propfind(BOOK, f"{DAV}resourcetype").prop(BOOK, f"{DAV}resourcetype")
    assert kinds is not None
    assert {one.tag for one in kinds} == {f"{DAV}collection", f"{CARDDAV}addressbook"}
    everything = alice.propfind(BOOK).text
    assert not any(name in everything for name in names)
    told = alice.propfind(BOOK, f"{DAV}supported-report-set").text
    for name in ("<A:addressbook-query/>", "<A:addressbook-multiget/>", "<D:sync-collection/>", "<D:expand-property/>"):
        assert name in told
    assert "<C:calendar" not in told


def test_extended_mkcol(alice: Client) -> None:
    """§6.3.1, RFC 5689: a further book with its description."""
    body = (
        f"<D:mkcol {desk.NAMESPACES}><D:set><D:prop><D:resourcetype><D:collection/><A:addressbook/></D:resourcetype>"
        "<D:displayname>Clients</D:displayname><A:addressbook-description>Who pays</A:addressbook-description>"
        "</D:prop></D:set></D:mkcol>"
    )
    assert alice.request("MKCOL", f"{HOME}clients/", body).status == 201
    answer = alice.propfind(f"{HOME}clients/", f"{CARDDAV}addressbook-description", f"{DAV}displayname")
    assert "Who pays" in answer.text
    assert "Clients" in answer.text
    answer = alice.request("MKCOL", f"{BOOK}inside/", body)
    assert (answer.status, answer.precondition) == (403, f"{CARDDAV}addressbook-collection-location-ok")
