"""Address book queries against the plain evaluation of every card (CON-15, CON-16, RFC 6352 §8.6, §10.5)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import contacts, grants, items
from storage.errors import UnsupportedMedia
from storage.formats import vcard, vcard_filter
from storage.formats.vcard_filter import CardFilter, MatchType, ParamFilter, PropFilter, TextMatch
from storage.store import Store
from storage.types import Actor, Right
from tests.storage import bodies, desk


def _card(uid: str, name: str, *lines: str) -> bytes:
    head = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name.split()[-1]};{name.split()[0]};;;\r\n"
    return (head + "".join(line + "\r\n" for line in lines) + "END:VCARD\r\n").encode()


POPULATION = {
    "ada": _card("ada", "Ada Lovelace", "EMAIL;TYPE=HOME:ada@example.test", "CATEGORIES:Friends,Maths"),
    "alan": _card(
        "alan", "Alan Turing", "EMAIL;TYPE=WORK:alan@work.test", "EMAIL:alan@example.test", "ORG:Bletchley;Hut 8"
    ),
    "grace": _card("grace", "Grace Hopper", "TEL;TYPE=CELL:+1 555 0100", "NICKNAME:Amazing,Admiral"),
    "straße": _card("strasse", "Jörg Straße", "ORG:ÄÖÜ GmbH", "NOTE:100% of it_all"),
    "folded": _card("folded", "Long Name", "EMAIL:" + "x" * 90 + "@example.", " test"),
    "group": _card("group", "Ite Mgroup", "item1.EMAIL:grouped@example.test", "item1.X-ABLabel:Other"),
    "bare": _card("bare", "Bare Bone"),
}
_text = st.builds(
    TextMatch,
    st.sampled_from(
        ("ada", "ALAN", "example.test", "a", "strasse", "STRASSE", "ö", "Jörg", "%", "_all", "", "Hut", "x" * 80)
    ),
    st.sampled_from(list(MatchType)),
    st.sampled_from(("i;unicode-casemap", "i;ascii-casemap", "i;octet")),
    st.booleans(),
)
_param = st.builds(
    ParamFilter,
    st.just("TYPE"),
    st.booleans(),
    st.one_of(st.none(), st.builds(TextMatch, st.sampled_from(("home", "WORK")))),
).filter(lambda param: not (param.is_not_defined and param.text))
_names = st.sampled_from(("FN", "N", "EMAIL", "TEL", "ORG", "NICKNAME", "UID", "NOTE", "CATEGORIES", "X-NONE"))
_prop = st.one_of(
    st.builds(PropFilter, _names, texts=st.lists(_text, min_size=1, max_size=2).map(tuple), all_of=st.booleans()),
    st.builds(PropFilter, _names, is_not_defined=st.just(True)),
    st.builds(PropFilter, _names),
    st.builds(PropFilter, st.just("EMAIL"), params=st.tuples(_param), texts=st.lists(_text, max_size=1).map(tuple)),
    st.builds(PropFilter, st.just("EMAIL"), group=st.sampled_from(("ITEM1", "OTHER"))),
)
_filter = st.builds(CardFilter, st.lists(_prop, max_size=3).map(tuple), st.booleans())


@pytest.fixture
def full(store: Store, alice: Actor, bob: Actor) -> Store:
    with store.write(alice) as tx:
        here = desk.contacts(tx, "alice")
        for name, body in POPULATION.items():
            bodies.put(tx, here, name, body)
        grants.grant(tx, here, desk.principal(store, "bob"), Right.SEE)
    with store.write(bob) as tx:
        bare = POPULATION["bare"].replace(b"END:VCARD", b"CATEGORIES:Friends\r\nEND:VCARD")
        bodies.put(tx, desk.contacts(tx, "alice"), "bare", bare)
    return store


@pytest.mark.parametrize("login", ["alice", "bob"])
def test_queries_say_what_the_cards_say(full: Store, login: str) -> None:
    """Categories are those of who asks (CON-13, CON-15)."""
    who = desk.actor(full, login)
    with full.read(who) as tx:
        here = desk.contacts(tx, "alice")
        found = items.many(tx, here, list(POPULATION))
        cards = {name: vcard.component_of(item.body) for name, item in found.items() if item.body is not None}
    assert len(cards) == len(POPULATION)

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(wanted=_filter, limit=st.one_of(st.none(), st.integers(1, 8)))
    def judge(wanted: CardFilter, limit: int | None) -> None:
        expected = [name for name in POPULATION if vcard_filter.matches(wanted, cards[name])]
        with full.read(who) as tx:
            answer, cut = contacts.query(tx, desk.contacts(tx, "alice"), wanted, limit)
        names = [item.name for item in answer]
        if limit is None or len(expected) <= limit:
            assert (sorted(names), cut) == (sorted(expected), False)
        else:
            assert (len(names), cut) == (limit, True)
            assert set(names) <= set(expected)

    judge()


def test_categories_find_only_ones_own(full: Store, alice: Actor, bob: Actor) -> None:
    wanted = CardFilter((PropFilter("CATEGORIES", texts=(TextMatch("friends"),)),))
    for who, names in ((alice, ["ada"]), (bob, ["bare"])):
        with full.read(who) as tx:
            assert [item.name for item in contacts.query(tx, desk.contacts(tx, "alice"), wanted)[0]] == names


def test_a_change_changes_the_index(full: Store, alice: Actor) -> None:
    wanted = CardFilter((PropFilter("FN", texts=(TextMatch("countess"),)),))
    with full.write(alice) as tx:
        here = desk.contacts(tx, "alice")
        assert contacts.query(tx, here, wanted) == ([], False)
        bodies.put(tx, here, "ada", _card("ada", "Countess Lovelace"))
        assert [item.name for item in contacts.query(tx, here, wanted)[0]] == ["ada"]
        items.delete(tx, here, "ada")
        assert contacts.query(tx, here, wanted) == ([], False)


def test_only_cards() -> None:
    for media_type in ("text/vcard", "text/x-vcard; charset=utf-8", ""):
        assert contacts.prepare(POPULATION["ada"], media_type).uid == "ada"
    with pytest.raises(UnsupportedMedia):
        contacts.prepare(POPULATION["ada"], "text/calendar")


def test_stamps_are_no_change() -> None:
    plain, stamped = (
        contacts.prepare(_card("a", "Ada L", *lines)).common
        for lines in ((), ("REV:20250101T000000Z", "PRODID:-//x//EN"))
    )
    assert contacts.comparable(plain) == contacts.comparable(stamped)
    assert contacts.comparable(plain) != contacts.comparable(_card("a", "Ada K"))
