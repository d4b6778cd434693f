"""Contacts as LDIF (RFC 2849, RFC 2798; CON-23)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat
from storage.formats import ldif, vcard
from storage.formats.flat_contact import card_of, row_of
from storage.formats.vcard import Card

MOZILLA = """version: 1
# exported
 by hand

dn: ou=people,dc=example
objectclass: organizationalUnit
ou: people

dn:: Y249SsO2cmc=
objectclass: top
objectClass: person
objectclass: mozillaAbPersonAlpha
givenName:: SsO2cmc=
sn: Muel
 ler
cn;lang-de: Joerg Mueller
mozillaNickname: jo
mail: j@a.example
mozillaSecondEmail: j@b.example
telephoneNumber: +49 30 1
mobile: +49 170 2
street: Hof 1
l: Berlin
postalCode: 10115
c: Germany
mozillaHomeLocalityName: Bonn
o: Mueller AG
ou: Forschung
title: Chef
mozillaWorkUrl: https://a.example/
description:: Zmlyc3QKc2Vjb25k
birthyear: 1985
birthmonth: 4
birthday: 12
jpegPhoto:: /9j/4AAQ
x-secret:< file:///etc/passwd

dn: cn=Team
objectclass: mozillaAbPersonAlpha
objectclass: groupOfNames
cn: Team
member: cn=Joerg Mueller,mail=j@a.example
member: cn=Nobody
"""


def test_what_thunderbird_exports() -> None:
    joerg, team = list(ldif.read(MOZILLA.encode()))
    assert isinstance(joerg, Card)
    row = row_of(joerg)
    assert (row["fn"], row["given"], row["family"]) == ("Joerg Mueller", "Jörg", "Mueller")
    assert (row["email_1"], row["email_2"]) == ("j@a.example", "j@b.example")
    assert (row["phone_work"], row["phone_mobile"]) == ("+49 30 1", "+49 170 2")
    assert (row["work_street"], row["work_city"], row["home_city"]) == ("Hof 1", "Berlin", "Bonn")
    assert (row["company"], row["department"], row["function"]) == ("Mueller AG", "Forschung", "Chef")
    assert (row["birthday"], row["comment"]) == ("1985-04-12", "first\nsecond")
    picture = joerg.component.get("PHOTO")
    assert picture is not None
    assert picture.value == "/9j/4AAQ"
    assert "passwd" not in joerg.body.decode()
    assert isinstance(team, Card)
    assert team.kind == "group"
    assert team.component.value("X-ADDRESSBOOKSERVER-MEMBER") == "mailto:j@a.example"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("dn: cn=a\ncn: a\n\ndn: cn=b\ncn:: !!!\n", 5, "not base64"),
        ("dn: cn=a\ncn: a\n\ncn: b\n", 4, "without dn"),
        ("dn: cn=a\ncn: a\n\ndn: cn=b\nrubbish\n", 5, "not an attribute"),
        ("dn: cn=a\ncn: a\n\ndn: cn=b\nchangetype: delete\n", 5, "only additions"),
    ],
)
def test_a_broken_entry_is_named_and_the_others_are_read(text: str, line: int, says: str) -> None:
    for data in (text.encode(), text.replace("\n", "\r\n").encode()):
        good, bad = list(ldif.read(data))
        assert isinstance(good, Card)
        assert isinstance(bad, BadFormat)
        assert bad.line == line
        assert says in bad.reason


def test_limits_and_versions() -> None:
    entry = b"dn: cn=a\nchangetype: add\ncn: a\n\n"
    assert len(list(ldif.read(b"version: 1\n" + entry * 3, limit=3))) == 3
    with pytest.raises(BadFormat, match="more than 2 entries"):
        list(ldif.read(entry * 3, limit=2))
    with pytest.raises(BadFormat, match="unknown version"):
        list(ldif.read(b"version: 2\n" + entry))
    with pytest.raises(BadFormat, match="NUL"):
        list(ldif.read(b"dn: a\0"))


def test_more_than_three_mails_go_to_the_comment() -> None:
    """CON-05."""
    (card,) = ldif.read(b"dn: cn=a\ncn: a\n" + b"".join(b"mail: %d@x.example\n" % n for n in range(5)))
    assert isinstance(card, Card)
    assert len(card.emails) == 3
    assert row_of(card)["comment"] == "3@x.example\n4@x.example"


values = (
    st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"), min_size=1, max_size=90)
    .map(str.strip)
    .filter(bool)
)


@settings(max_examples=80)
@given(
    values,
    st.dictionaries(
        st.sampled_from(
            [
                "given",
                "family",
                "company",
                "department",
                "comment",
                "home_city",
                "work_street",
                "phone_mobile",
                "function",
            ]
        ),
        values.filter(lambda text: "," not in text),
    ),
    st.sampled_from(["", "1985-04-12", "--04-12"]),
)
def test_what_is_written_is_read_again(fn: str, row: dict[str, str], birthday: str) -> None:
    card = card_of({**row, "fn": fn, "birthday": birthday})
    data = ldif.write([card])
    assert all(len(line) <= 76 for line in data.split(b"\n"))
    assert data.isascii()
    (again,) = ldif.read(data)
    assert isinstance(again, Card)
    assert row_of(again) == row_of(card)


@settings(max_examples=100)
@given(st.binary(max_size=120))
def test_any_octets_give_cards_or_refusals(noise: bytes) -> None:
    for data in (noise, b"dn: cn=a\ncn: a\n" + noise, b"dn: a\ncn:: " + base64.b64encode(noise) + b"\n"):
        try:
            found = list(ldif.read(data))
        except BadFormat:
            continue
        for one in found:
            if isinstance(one, Card):
                assert not vcard.read(one.body).repaired
