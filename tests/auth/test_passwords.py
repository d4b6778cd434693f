"""Hashes: argon2id, one spelling for one password (RFC 8265), never an exception for odd input."""

from __future__ import annotations

import pytest
from passlib.hash import argon2

from auth import passwords, scram_keys
from auth.errors import BadPassword


def test_a_hash_is_argon2id_with_todays_parameters() -> None:
    made = passwords.make_hash("correct horse")
    assert made.startswith(f"$argon2id$v=19$m={passwords.MEMORY_KIB},t={passwords.TIME_COST},p=")
    assert passwords.matches("correct horse", made)
    assert not passwords.matches("correct horse ", made)
    assert not passwords.matches("", made)
    assert not passwords.needs_renewal(made)
    assert made != passwords.make_hash("correct horse")


def test_the_dummy_costs_what_a_real_one_costs() -> None:
    """No difference in time between a wrong password and an unknown login."""
    assert not passwords.needs_renewal(f"{passwords.DUMMY_HASH} {scram_keys.make('x')}")
    assert not passwords.matches("abc", passwords.DUMMY_HASH)


def test_weaker_parameters_are_noticed() -> None:
    assert passwords.needs_renewal(argon2.using(time_cost=1, memory_cost=8192, parallelism=1).hash("x"))


def test_one_password_however_it_is_typed() -> None:
    """RFC 8265 §4.2.2: composed or decomposed, with any kind of space."""
    made = passwords.make_hash("cafe\u0301 au\u00a0lait")
    assert passwords.matches("caf\u00e9 au lait", made)
    assert not passwords.matches("cafe au lait", made)


@pytest.mark.parametrize("password", ["", "a\0b", "a\nb", "x" * 1025, "\ud800"])
def test_what_cannot_be_a_password(password: str) -> None:
    with pytest.raises(BadPassword):
        passwords.make_hash(password)
    assert not passwords.matches(password, passwords.DUMMY_HASH)


@pytest.mark.parametrize("stored", ["", "*", "plain", "$argon2id$v=19$m=1", "$2b$12$x"])
def test_a_hash_that_is_none_matches_nothing(stored: str) -> None:
    assert not passwords.matches("x", stored)
