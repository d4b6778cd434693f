"""CARDDAV:filter judged on cards, and its plan on the index columns (RFC 6352 §10.5; CON-15, CON-16)."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats import vcard, vcard_filter
from storage.formats.contentline import Property
from storage.formats.vcard import Card
from storage.formats.vcard_filter import (
    CardFilter,
    MatchType,
    ParamFilter,
    PropFilter,
    Some,
    Term,
    TextMatch,
    indexable,
    matches,
    plan,
)


def card(*lines: str) -> Card:
    frame = ("BEGIN:VCARD", "VERSION:3.0", "UID:Uid-1", *lines, "END:VCARD")
    return vcard.read("".join(f"{line}\r\n" for line in frame).encode())


JANE = card(
    "FN:Jané Doe",
    "N:Doe;Jané;;;",
    "ORG:Acme\\, Inc.;Sales",
    "NICKNAME:jj,Blonde",
    "EMAIL;TYPE=HOME:jane@home.example",
    "EMAIL;TYPE=WORK;X-P=:sales@acme.example",
    "X-ABC-GROUP.TEL;TYPE=CELL:+32 475 1",
    "X-ABC-2.TEL:555",
    "CATEGORIES:Friends,People",
    "NOTE:two\\nlines",
)


def on(
    name: str, text: str, kind: str = "contains", collation: str = "i;unicode-casemap", negate: bool = False
) -> PropFilter:
    bare, group = PropFilter.names(name)
    return PropFilter(bare, group, texts=(TextMatch(text, MatchType(kind), collation, negate),))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (on("FN", "JANÉ"), True),
        (on("FN", "jane"), True),  # é is e and an accent after the decomposition (RFC 5051 §2)
        (on("FN", "JANÉ", collation="i;ascii-casemap"), False),
        (on("FN", "jANé", collation="i;ascii-casemap"), True),
        (on("FN", "jané", collation="i;octet"), False),
        (on("FN", "Jané", collation="i;octet"), True),
        (on("FN", "jané doe", "equals"), True),
        (on("FN", "jané", "equals"), False),
        (on("N", "d", "starts-with"), True),  # CON-15: first letter of the last name
        (on("N", "jan", "starts-with"), False),
        (on("FN", "doe", "ends-with"), True),
        (on("ORG", "acme, inc."), True),  # compared unescaped
        (on("CATEGORIES", "people", "equals"), True),  # a list, value by value
        (on("NICKNAME", "blonde", "starts-with"), True),
        (on("NOTE", "two\nlines"), True),
        (on("TEL", "475"), True),
        (on("X-ABC-GROUP.TEL", "475"), True),
        (on("x-abc-group.tel", "555"), False),
        (on("X-ABC.TEL", "475"), False),
        (on("FN", "jané", negate=True), False),
        (on("FN", "zzz", negate=True), True),
        (on("TITLE", "zzz", negate=True), False),  # there is no TITLE that does not match
        (on("EMAIL", "acme", negate=True), True),  # one EMAIL does not match
        (on("CATEGORIES", "people", "equals", negate=True), False),
        (PropFilter("TITLE"), False),
        (PropFilter("TITLE", is_not_defined=True), True),
        (PropFilter("TEL", "X-ABC-2"), True),
        (PropFilter("TEL", "X-ABC-3", is_not_defined=True), True),
        (PropFilter("FN", is_not_defined=True), False),
    ],
)
def test_one_property(wanted: PropFilter, expected: bool) -> None:
    assert matches(CardFilter((wanted,)), JANE.component) is expected


@pytest.mark.parametrize(
    ("param", "expected"),
    [
        (ParamFilter("TYPE"), True),
        (ParamFilter("X-P"), True),
        (ParamFilter("X-Q"), False),
        (ParamFilter("X-Q", is_not_defined=True), True),
        (ParamFilter("TYPE", is_not_defined=True), False),
        (ParamFilter("TYPE", text=TextMatch("work", MatchType.EQUALS)), True),
        (ParamFilter("TYPE", text=TextMatch("fax")), False),
        (ParamFilter("TYPE", text=TextMatch("home", negate=True)), True),  # the other EMAIL
    ],
)
def test_parameters(param: ParamFilter, expected: bool) -> None:
    assert matches(CardFilter((PropFilter("EMAIL", params=(param,)),)), JANE.component) is expected


def test_the_conditions_hold_of_one_property() -> None:
    """RFC 6352 §10.5.1: a property exists, and it matches."""
    home_acme = PropFilter(
        "EMAIL",
        texts=(TextMatch("acme"),),
        params=(ParamFilter("TYPE", text=TextMatch("home")),),
    )
    assert matches(CardFilter((home_acme,)), JANE.component)  # anyof
    assert not matches(CardFilter((dataclasses.replace(home_acme, all_of=True),)), JANE.component)


def test_any_and_all_of_the_properties() -> None:
    yes, no = on("FN", "doe"), on("FN", "zzz")
    assert matches(CardFilter((no, yes)), JANE.component)
    assert not matches(CardFilter((no, yes), all_of=True), JANE.component)
    assert matches(CardFilter((yes, yes), all_of=True), JANE.component)
    assert matches(CardFilter(), JANE.component)


def test_the_plan_of_the_usual_search() -> None:
    wanted = CardFilter((on("FN", "doe"), on("EMAIL", "doe")))
    terms = (Term("fn", MatchType.CONTAINS, "DOE"), Term("email", MatchType.CONTAINS, "DOE"))
    assert plan(wanted) == vcard_filter.Plan(Some(terms), True)
    assert indexable(wanted)


@pytest.mark.parametrize(
    ("wanted", "candidates"),
    [
        (on("FN", "doe", collation="i;octet"), True),
        (on("UID", "uid-1", "equals"), True),
        (on("X-G.TEL", "1"), True),
        (on("FN", "é", collation="i;octet"), False),
        (on("FN", "doe", negate=True), False),
        (on("FN", ""), False),
        (on("NOTE", "doe"), False),
        (PropFilter("EMAIL"), False),
        (PropFilter("EMAIL", is_not_defined=True), False),
        (PropFilter("EMAIL", texts=(TextMatch("a"),), params=(ParamFilter("TYPE"),)), False),
        (PropFilter("EMAIL", texts=(TextMatch("a"),), params=(ParamFilter("TYPE"),), all_of=True), True),
        (PropFilter("EMAIL", texts=(TextMatch("a"), TextMatch("b")), all_of=True), True),
    ],
)
def test_what_the_index_cannot_decide_alone(wanted: PropFilter, candidates: bool) -> None:
    found = plan(CardFilter((wanted,)))
    assert not found.exact
    assert (found.expression is not None) is candidates


alphabet = st.text("aAbBéÉsSſß .@;,\\n", max_size=4)
properties = st.builds(
    Property,
    name=st.sampled_from(["FN", "N", "ORG", "NICKNAME", "EMAIL", "TEL", "NOTE", "TITLE"]),
    value=alphabet,
    params=st.lists(st.tuples(st.just("TYPE"), st.lists(alphabet, min_size=1, max_size=1)), max_size=1),
    group=st.sampled_from(["", "G"]),
)
text_matches = st.builds(
    TextMatch,
    text=alphabet,
    match_type=st.sampled_from(MatchType),
    collation=st.sampled_from(["i;unicode-casemap", "i;unicode-casemap", "i;ascii-casemap", "i;octet"]),
    negate=st.sampled_from([False, False, False, True]),
)
prop_filters = st.builds(
    PropFilter,
    name=st.sampled_from(["FN", "N", "ORG", "NICKNAME", "EMAIL", "TEL", "UID", "NOTE"]),
    group=st.sampled_from([None, None, "G"]),
    is_not_defined=st.sampled_from([False, False, False, True]),
    texts=st.lists(text_matches, max_size=3).map(tuple),
    params=st.lists(st.builds(ParamFilter, st.just("TYPE"), st.booleans(), st.none() | text_matches), max_size=1).map(
        tuple
    ),
    all_of=st.booleans(),
)
filters = st.builds(CardFilter, st.lists(prop_filters, max_size=3).map(tuple), st.booleans())


@pytest.mark.slow
@settings(max_examples=200)
@given(filters, st.lists(properties, max_size=6))
def test_the_plan_loses_no_card_and_is_exact_where_it_says_so(wanted: CardFilter, lines: list[Property]) -> None:
    found = vcard.made([Property("UID", "aBé"), Property("FN", "x"), *lines])
    columns = {**dataclasses.asdict(found.folded), "uid": found.uid}
    said = plan(wanted)
    candidate = said.expression is None or vcard_filter.holds(said.expression, columns)
    if matches(wanted, found.component):
        assert candidate
    elif said.exact:
        assert not candidate
