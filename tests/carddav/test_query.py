"""addressbook-query: which cards a filter finds (RFC 6352 §8.6, §10.5; CON-15, CON-16)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.dav.names import CARDDAV, DAV
from storage.store import Store
from tests.carddav import desk
from tests.carddav.desk import BOOK, Client

CARDS: dict[str, tuple[str, ...]] = {
    "Ada Lovelace": (
        "EMAIL;TYPE=INTERNET,WORK:ada@engine.test",
        "EMAIL;TYPE=HOME:ada@home.test",
        "TEL;TYPE=CELL:+44 20 7946 0000",
        "ORG:Analytical Engines;Research",
        "CATEGORIES:Friends,Science",
        "NOTE:one\\, two\\; three",
        "NICKNAME:Countess,Ada",
    ),
    "Émile Zola": ("EMAIL:emile@zola.test", "item1.TEL:+33 1 23", "item1.X-ABLABEL:atelier", "X-TWITTER:zola"),
    "Bob Straße": ("ORG:Strassenbau", "TEL;TYPE=HOME:123", "TEL;TYPE=CELL:456"),
    "No One": (),
}
ALL = set(CARDS)
ADA, ZOLA, BOB, NOBODY = CARDS


@pytest.fixture(scope="module")
def alice(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Her contacts as above; nobody changes them."""
    folder = tmp_path_factory.mktemp("query") / "desk"
    shutil.copytree(template, folder)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    client = Client(desk.app(store), "alice")
    for name, lines in CARDS.items():
        desk.put(client, f"{BOOK}{name}.vcf", desk.card(name, *lines, name=name))
    yield client
    store.close()


def prop(name: str, *inside: str, test: str = "") -> str:
    attribute = f' test="{test}"' if test else ""
    return f'<A:prop-filter name="{name}"{attribute}>{"".join(inside)}</A:prop-filter>'


def text(wanted: str, match: str = "", collation: str = "", negate: str = "") -> str:
    attributes = {"match-type": match, "collation": collation, "negate-condition": negate}
    given = "".join(f' {name}="{value}"' for name, value in attributes.items() if value)
    return f"<A:text-match{given}>{wanted}</A:text-match>"


def param(name: str, inside: str = "") -> str:
    return f'<A:param-filter name="{name}">{inside}</A:param-filter>'


ABSENT = "<A:is-not-defined/>"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("", ALL),
        # §10.5.1: existence, absence, groups of properties
        (prop("EMAIL"), {ADA, ZOLA}),
        (prop("email"), {ADA, ZOLA}),
        (prop("EMAIL", ABSENT), {BOB, NOBODY}),
        (prop("TEL"), {ADA, ZOLA, BOB}),
        (prop("item1.TEL"), {ZOLA}),
        (prop("ITEM2.TEL"), set()),
        (prop("item1.TEL", ABSENT), {ADA, BOB, NOBODY}),
        (prop("X-TWITTER"), {ZOLA}),
        # §10.5.4: contains (the default), equals, starts-with, ends-with
        (prop("FN", text("love")), {ADA}),
        (prop("FN", text("ada lovelace", "equals")), {ADA}),
        (prop("FN", text("ada", "equals")), set()),
        (prop("FN", text("ada", "starts-with")), {ADA}),
        (prop("FN", text("lovelace", "starts-with")), set()),
        (prop("FN", text("LACE", "ends-with")), {ADA}),
        (prop("FN", text("ada", "ends-with")), set()),
        (prop("N", text("lovelace", "starts-with")), {ADA}),  # the last name (CON-15)
        (prop("ORG", text("research")), {ADA}),
        (prop("EMAIL", text("home.test", "ends-with")), {ADA}),
        (prop("EMAIL", text("engine.test", "ends-with")), {ADA}),  # one of several values
        (prop("NOTE", text("two; three")), {ADA}),
        (prop("NICKNAME", text("ada", "equals")), {ADA}),
        (prop("CATEGORIES", text("science", "equals")), {ADA}),
        (prop("UID", text(NOBODY, "equals")), {NOBODY}),
        (prop("TEL", text("7946")), {ADA}),
        # §8.3: the three collations; i;unicode-casemap is the default here
        (prop("FN", text("émile")), {ZOLA}),
        (prop("FN", text("ÉMILE")), {ZOLA}),
        (prop("FN", text("emile")), set()),
        (prop("FN", text("émile", collation="i;ascii-casemap")), set()),
        (prop("FN", text("ÉMILE", collation="i;ascii-casemap")), {ZOLA}),
        (prop("FN", text("Émile", collation="i;octet")), {ZOLA}),
        (prop("FN", text("ada", collation="i;octet")), set()),
        (prop("FN", text("straße")), {BOB}),
        (prop("FN", text("ada", collation="default")), {ADA}),
        # negate-condition
        (prop("FN", text("o", negate="yes")), set()),
        (prop("FN", text("love", negate="yes")), ALL - {ADA}),
        (prop("EMAIL", text("zola", negate="yes")), {ADA}),  # cards without any have none that does not match
        # §10.5.2
        (prop("TEL", param("TYPE", text("cell"))), {ADA, BOB}),
        (prop("TEL", param("TYPE", ABSENT)), {ZOLA}),
        (prop("EMAIL", param("TYPE")), {ADA}),
        (prop("EMAIL", param("TYPE", text("work", "equals"))), {ADA}),
        (prop("TEL", param("PREF")), set()),
        # anyof and allof inside: of one and the same property
        (prop("TEL", text("123"), param("TYPE", text("cell")), test="allof"), set()),
        (prop("TEL", text("123"), param("TYPE", text("home")), test="allof"), {BOB}),
        (prop("TEL", text("123"), param("TYPE", text("cell")), test="anyof"), {ADA, BOB}),
        (prop("TEL", text("123"), text("456")), {BOB}),
        (prop("EMAIL", text("ada"), text("home"), test="allof"), {ADA}),
    ],
)
def test_prop_filters(alice: Client, conditions: str, expected: set[str]) -> None:
    assert desk.names(desk.query(alice, BOOK, conditions)) == expected


@pytest.mark.parametrize(("test", "expected"), [("", {ADA, ZOLA, BOB}), ("anyof", {ADA, ZOLA, BOB}), ("allof", {ADA})])
def test_between_prop_filters(alice: Client, test: str, expected: set[str]) -> None:
    """§10.5: anyof is the default."""
    conditions = prop("EMAIL") + prop("ORG")
    assert desk.names(desk.query(alice, BOOK, conditions, test=test)) == expected


def test_no_condition_finds_all(alice: Client) -> None:
    for test in ("anyof", "allof"):
        assert desk.names(desk.query(alice, BOOK, test=test)) == ALL


@pytest.mark.parametrize(("limit", "given"), [(1, 1), (2, 2), (3, 3), (4, 4), (99, 4)])
def test_limit(alice: Client, limit: int, given: int) -> None:
    """§8.6.1, §8.6.2: partial results and 507 for the Request-URI, which does not count."""
    answer = desk.query(alice, BOOK, limit=limit)
    found = [href for href in answer.hrefs() if href != BOOK]
    assert len(found) == given
    assert (BOOK in answer.hrefs()) is (limit < 4)
    if limit < 4:
        assert answer.status_of(BOOK) == "507 Insufficient Storage"
        assert answer.xml.find(f"{DAV}response/{DAV}error/{DAV}number-of-matches-within-limits") is not None


def test_limit_with_conditions_that_the_index_does_not_decide(alice: Client) -> None:
    answer = desk.query(alice, BOOK, prop("TEL", param("TYPE", text("cell"))), limit=1)
    assert len(answer.hrefs()) == 2
    assert answer.status_of(BOOK).startswith("507")


@pytest.mark.parametrize(
    ("conditions", "limit", "status", "element"),
    [
        (prop("FN", text("a", collation="i;klingon")), None, 403, "supported-collation"),
        (prop("FN", text("a", collation="*")), None, 403, "supported-collation"),
        ("".join(prop("FN", text(str(number))) for number in range(101)), None, 403, "supported-filter"),
        (prop("FN", text("a", "sounds-like")), None, 400, ""),
        (prop("FN", test="some"), None, 400, ""),
        (prop(""), None, 400, ""),
        (prop("FN", param("")), None, 400, ""),
        ("", 0, 400, ""),
        ("", "-1", 400, ""),
        ("", "many", 400, ""),
    ],
)
def test_refused(alice: Client, conditions: str, limit: int | str | None, status: int, element: str) -> None:
    answer = desk.query(alice, BOOK, conditions, limit=limit)
    assert answer.status == status
    if element:
        assert answer.precondition == f"{CARDDAV}{element}"


def test_a_filter_is_demanded(alice: Client) -> None:
    """§10.3."""
    answer = desk.report(
        alice, BOOK, "<A:addressbook-query><D:prop><D:getetag/></D:prop></A:addressbook-query>", depth="1"
    )
    assert answer.status == 400


def test_depth(alice: Client) -> None:
    """§8.6: on the book itself nothing is a card; a missing field counts as 1 (docs/protocols)."""
    assert desk.names(desk.query(alice, BOOK, depth="0")) == set()
    assert desk.names(desk.query(alice, BOOK, depth="infinity")) == ALL
    body = "<A:addressbook-query><D:prop><D:getetag/></D:prop><A:filter/></A:addressbook-query>"
    assert desk.names(desk.report(alice, BOOK, body)) == ALL
    assert desk.names(desk.query(alice, f"{BOOK}No%20One.vcf", depth="0")) == {NOBODY}


def test_a_calendar_s_report_is_not_ours(alice: Client) -> None:
    body = '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop/></C:calendar-query>'
    answer = desk.report(alice, BOOK, body, depth="1")
    assert (answer.status, answer.precondition) == (403, f"{DAV}supported-report")
