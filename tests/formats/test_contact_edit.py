"""A form's fields written into a card: what they name changes, nothing else does (CON-08)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import BadFormat
from storage.formats import contact_edit, vcard
from storage.formats.flat_contact import row_of

BODY = "\r\n".join(
    [
        *("BEGIN:VCARD", "VERSION:3.0", "UID:d", "FN:Dora Example", "N:Example;Dora;;Dr.;", "ORG:Kew;Ferns"),
        *("EMAIL;TYPE=INTERNET,pref:d@x.example", "item1.EMAIL:e@x.example", "item1.X-ABLabel:other"),
        *("TEL;TYPE=CELL:+44 20 1", "TEL;TYPE=WORK,VOICE:+44 20 2", "ADR;TYPE=WORK:;;1 Road;Kew;;TW9;UK"),
        *("NOTE:secret", "CATEGORIES:friends", "X-CUSTOM;X=1:kept", "URL:https://x.example", "END:VCARD", ""),
    ]
).encode()


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_what_is_named_changes(version: str) -> None:
    body = BODY if version == "3.0" else BODY.replace(b"VERSION:3.0", b"VERSION:4.0")
    card = vcard.read(body)
    wanted = {"given": "Theodora", "email_2": "", "phone_mobile": "+44 20 9", "phone_home": "+44 20 3",
              "work_city": "London", "web": "https://y.example", "department": "", "comment": "no", "birthday": "1985-04-12"}  # fmt: skip
    after = contact_edit.edited(card, wanted)
    row = row_of(after)
    assert (after.version, after.uid, after.fn) == (version, "d", "Dr. Theodora Example")
    assert [one.value for one in after.emails] == ["d@x.example"]
    assert (row["phone_mobile"], row["phone_work"], row["phone_home"]) == ("+44 20 9", "+44 20 2", "+44 20 3")
    assert (row["work_street"], row["work_city"], row["web"]) == ("1 Road", "London", "https://y.example")
    assert (row["company"], "department" in row, row["comment"]) == ("Kew", False, "secret")
    assert row["birthday"] == "1985-04-12"
    assert "birthday" not in row_of(contact_edit.edited(after, {"birthday": ""}))
    assert b"X-CUSTOM;X=1:kept" in after.body
    assert after.categories == ["friends"]
    assert contact_edit.changed_fields(card, wanted)["given"] == ("Dora", "Theodora")
    assert "work_street" not in contact_edit.changed_fields(card, {**wanted, "work_street": " 1  Road "})


def test_a_name_must_remain() -> None:
    card = vcard.read(BODY)
    nobody = dict.fromkeys(contact_edit.FIELDS, "")
    with pytest.raises(BadFormat):
        contact_edit.edited(card, nobody)
    assert contact_edit.edited(card, nobody | {"company": "Kew"}).fn == "Kew"


def test_nothing_changed_is_the_same_card() -> None:
    card = vcard.read(BODY)
    assert contact_edit.edited(card, row_of(card)) is card


texts = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)


@given(st.dictionaries(st.sampled_from(sorted(set(contact_edit.FIELDS) - {"language", "nickname", "birthday", "anniversary"})), texts))
def test_what_was_written_is_read_again(wanted: dict[str, str]) -> None:
    """Each field comes back, and asking for the same again changes nothing."""
    card = contact_edit.edited(vcard.read(BODY), wanted | {"family": "Example"})
    row = row_of(card)
    for field, text in wanted.items():
        if field.startswith(("phone_", "fax_", "im_", "email_", "web")) or field.partition("_")[2]:
            continue  # of several of a kind, an empty one lets the next move up
        if field != "family":
            assert " ".join(row.get(field, "").split()) == " ".join(text.split())
    assert row["comment"] == "secret"


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize(
    ("field", "lines"),
    [
        ("nickname", ["NICKNAME:a,b", "NICKNAME:c"]),
        ("function", ["TITLE:a", "TITLE:b"]),
        ("home_city", ["ADR;TYPE=HOME:;;;;;;", "ADR;TYPE=HOME:;;;Kew;;;"]),
    ],
)
def test_what_is_erased_is_gone(version: str, field: str, lines: list[str]) -> None:
    """Also where a card holds several of a kind, of which a form shows one."""
    whole = BODY.decode().replace("VERSION:3.0", f"VERSION:{version}").replace("NOTE:secret", "\r\n".join(lines))
    card = vcard.read(whole.encode())
    assert field in row_of(card)
    assert field not in row_of(contact_edit.edited(card, {field: ""}))
    assert row_of(contact_edit.edited(card, {field: "Z"}))[field] == "Z"
