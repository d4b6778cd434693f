"""Telephone numbers in three parts (CON-04, MSG-03, MSG-04; RFC 3966)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.formats import phone
from storage.formats.phone import PhoneNumber


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("0475 12 34 56", "BE", PhoneNumber("32", "475", "123456")),
        ("+32 (0) 475 12 34 56", "", PhoneNumber("32", "475", "123456")),
        ("0032 475 123456", "be", PhoneNumber("32", "475", "123456")),
        ("030 123456", "DE", PhoneNumber("49", "30", "123456")),
        ("+33 6 12 34 56 78", "", PhoneNumber("33", "6", "12345678")),
        ("tel:+1-418-656-9254;ext=102", "", PhoneNumber("1", "418", "6569254", "102")),
        ("+39 06 1234 5678", "", PhoneNumber("39", "06", "12345678")),  # Italy: the 0 is part of the number
    ],
)
def test_a_string_is_split_by_the_numbering_plan(text: str, region: str, expected: PhoneNumber) -> None:
    assert phone.split(text, region) == expected


@pytest.mark.parametrize("text", ["", "0475 12 34 56", "ask the porter", "112", "+999 1", "+" + "1" * 400, "tel:", "٣"])
def test_what_no_plan_knows_stays_text(text: str) -> None:
    assert phone.split(text) is None


def test_spellings_of_a_number() -> None:
    number = phone.split("0475/12.34.56", "BE")
    assert number is not None
    assert number.e164 == "+32475123456"
    assert number.tel_uri == "tel:+32-475-123456"
    assert phone.split(number.tel_uri) == number
    assert phone.join("0032", "0475", "12 34 56") == number
    assert phone.join("32", "475", "123456") == number
    assert phone.join("", "475", "123456") is None
    assert phone.join("39", "06", "12345678") == PhoneNumber("39", "06", "12345678")


def test_only_a_mobile_receives_sms_and_only_a_fax_faxes() -> None:
    number = phone.split("+32475123456")
    assert phone.sms_address(number, ["CELL", "work"]) == "32475123456@sms"
    assert phone.sms_address(number, ["work", "voice"]) == ""
    assert phone.sms_address(None, ["cell"]) == ""
    assert phone.fax_address(phone.split("+3222345678"), ["home", "fax"]) == "3222345678@fax"
    assert phone.fax_address(number, ["cell"]) == ""


@given(st.text(max_size=40), st.sampled_from(["", "BE", "US", "ZZ"]))
def test_any_text_gives_a_number_or_none(text: str, region: str) -> None:
    number = phone.split(text, region)
    assert number is None or phone.split(number.tel_uri) == number
