"""Accounts, their addresses and preferences (ACC-01…08, ACC-17, SYS-04, SYS-12, CAL-27, MTG-17)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import accounts, addresses, collections, groups, preferences, principals
from storage.errors import Denied, Exists, LimitReached, NotFound, Refused
from storage.store import Store
from storage.types import SITE, Actor, Principal, SpaceKind
from tests.storage import desk


def _principal(store: Store, login: str) -> Principal:
    return desk.principal(store, login)


def test_an_account_comes_with_its_collections(store: Store, alice: Actor) -> None:
    with store.read(alice) as tx:
        home = collections.home(tx, SpaceKind.PRIVATE, "alice")
    assert [collection.name for collection in home] == ["events", "tasks", "notes", "contacts"]


def test_logins_are_lower_case_and_unique_without_case(store: Store) -> None:
    with store.write(SITE) as tx:
        assert accounts.create(tx, "Dora.B", "*").name == "dora.b"
        with pytest.raises(Exists):
            accounts.create(tx, "DORA.b", "*")


@pytest.mark.parametrize("login", ["principals", "Groups", "PRIVATE", "public", "remote", "accounts"])
def test_reserved_logins(login: str) -> None:
    """SYS-12, compared without case."""
    with pytest.raises(Refused, match="reserved"):
        accounts.clean_login(login)


@given(st.text(max_size=70))
def test_a_login_is_a_path_segment_or_refused(text: str) -> None:
    try:
        login = accounts.clean_login(text)
    except Refused:
        return
    assert login == accounts.clean_login(login)
    assert login.isascii()
    assert not set(login) & set("/\\@%?# \0")
    assert login not in {".", ".."}


@pytest.mark.parametrize("login", ["", ".", "..", "a/b", "a b", "a@b", "-x", "x" * 65, "é", "a\0"])
def test_what_cannot_be_a_login(login: str) -> None:
    with pytest.raises(Refused):
        accounts.clean_login(login)


def test_only_the_site_administrator_makes_and_removes(store: Store, alice: Actor) -> None:
    bob = _principal(store, "bob")
    with store.write(alice) as tx:
        with pytest.raises(Denied):
            accounts.create(tx, "dora", "*")
        with pytest.raises(Denied):
            accounts.remove(tx, bob)
        with pytest.raises(Denied):
            accounts.suspend(tx, bob)
        with pytest.raises(Denied):
            accounts.listing(tx)
        with pytest.raises(Denied):
            accounts.find(tx, "bob")
        with pytest.raises(NotFound):  # SYS-09: she may not know that carol exists
            accounts.find(tx, "carol")
        with pytest.raises(Denied):
            accounts.set_password_hash(tx, bob, "x")


def test_credentials_by_login_and_by_main_address(store: Store) -> None:
    """SYS-04: the main e-mail address is accepted as alias of the login."""
    with store.write(SITE) as tx:
        by_login = accounts.credentials(tx, " Alice ")
        assert by_login is not None
        assert by_login.login == "alice"
        assert accounts.credentials(tx, "ALICE@example.test") == by_login
        assert accounts.credentials(tx, "nobody") is None
        assert accounts.credentials(tx, "nobody@example.test") is None
        # A further address is no alias, confirmed or not.
        alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
        addresses.add(tx, alice, "a.l@example.test")
        addresses.confirm(tx, alice, "a.l@example.test")
        assert accounts.credentials(tx, "a.l@example.test") is None


def test_a_group_has_no_credentials(store: Store) -> None:
    with store.read(SITE) as tx:
        assert accounts.credentials(tx, "IAB") is None
        assert accounts.credentials(tx, "IAB@group") is None


def test_whatever_must_void_verifications_raises_the_version(store: Store) -> None:
    alice = _principal(store, "alice")

    def version() -> int:
        with store.read(SITE) as tx:
            found = accounts.credentials(tx, "alice")
            assert found is not None
            return found.version

    seen = [version()]
    for change in (
        lambda tx: accounts.set_password_hash(tx, alice, "new"),
        lambda tx: accounts.suspend(tx, alice),
        lambda tx: accounts.resume(tx, alice),
        lambda tx: addresses.add(tx, alice, "x@example.test"),
        lambda tx: addresses.confirm(tx, alice, "x@example.test"),
        lambda tx: addresses.set_main(tx, alice, "x@example.test"),
    ):
        with store.write(SITE) as tx:
            change(tx)
        seen.append(version())
    assert seen == [1, 2, 3, 4, 4, 4, 5]
    with store.write(SITE) as tx:
        accounts.renew_password_hash(tx, alice.id, "new", "stronger")
        accounts.renew_password_hash(tx, alice.id, "old", "lost race")
    assert version() == 5
    with store.read(SITE) as tx:
        held = accounts.credentials(tx, "alice")
        assert held is not None
        assert held.password_hash == "stronger"


def test_an_address_is_usable_after_its_confirmation(store: Store, alice: Actor) -> None:
    """ACC-02, MTG-17: the address set holds confirmed addresses only; the link works once."""
    with store.write(alice) as tx:
        me = principals.me(tx)
        claim = addresses.add(tx, me, "MAILTO:Ada@Example.test")
        assert principals.addresses(tx, me) == ["alice@example.test"]
        with pytest.raises(Refused):
            addresses.set_main(tx, me, "ada@example.test")
        with pytest.raises(Denied):  # not by her own word
            addresses.confirm(tx, me, "ada@example.test")
        assert addresses.confirm_by_token(tx, claim.token) == "ada@example.test"
        assert principals.addresses(tx, me) == ["alice@example.test", "ada@example.test"]
        with pytest.raises(NotFound):
            addresses.confirm_by_token(tx, claim.token)
        addresses.set_main(tx, me, "ada@example.test")
        assert principals.me(tx).email == "ada@example.test"
        with pytest.raises(Refused):
            addresses.remove(tx, me, "ada@example.test")
        addresses.remove(tx, me, "alice@example.test")
        assert [row.address for row in addresses.listing(tx, me)] == ["ada@example.test"]


def test_wrong_and_old_links_are_refused(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        me = principals.me(tx)
        claim = addresses.add(tx, me, "x@example.test")
        number, expiry, signature = claim.token.split(".")
        later = f"{number}.{int(expiry) + 1}.{signature}"
        for token in ("", "1", "1.2", later, claim.token[:-1], "9.9.9", "١.2.3", f"{number}.{expiry}.\udcff"):
            with pytest.raises(NotFound):
                addresses.confirm_by_token(tx, token)
        tx.now += addresses.CONFIRMATION_S + 1
        with pytest.raises(NotFound):
            addresses.confirm_by_token(tx, claim.token)
    with store.write(SITE) as tx:
        accounts.set_password_hash(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"), "other")
        with pytest.raises(NotFound):
            addresses.confirm_by_token(tx, claim.token)


def test_an_address_belongs_to_one_account(store: Store, alice: Actor, bob: Actor) -> None:
    """MTG-17; a claim that nobody confirmed keeps nobody else out."""
    with store.write(bob) as tx:
        addresses.add(tx, principals.me(tx), "shared@example.test")
        with pytest.raises(Exists):
            addresses.add(tx, principals.me(tx), "alice@example.test")
    with store.write(alice) as tx:
        claim = addresses.add(tx, principals.me(tx), "shared@example.test")
        addresses.confirm_by_token(tx, claim.token)
    with store.write(bob) as tx:
        assert [row.address for row in addresses.listing(tx, principals.me(tx))] == ["bob@example.test"]
        with pytest.raises(Exists):
            addresses.add(tx, principals.me(tx), "shared@example.test")


def test_addresses_are_limited(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        me = principals.me(tx)
        for number in range(addresses.ADDRESSES_PER_ACCOUNT - 1):
            addresses.add(tx, me, f"a{number}@example.test")
        with pytest.raises(LimitReached):
            addresses.add(tx, me, "one-more@example.test")


@pytest.mark.parametrize("text", ["", "x", "@x", "x@", "a b@c", "a@b@c", "a@-b", "a@b..c", "x@group", "1@sms"])
def test_what_cannot_be_an_address(text: str) -> None:
    with pytest.raises(Refused):
        accounts.clean_address(text)


def test_removal_takes_the_private_environment_and_leaves_the_groups(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(SITE) as tx, pytest.raises(Refused, match="another admin"):
        accounts.remove(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    with store.write(alice) as tx:
        desk.put(tx, desk.events(tx, "IAB"), "a.ics", desk.event("group-event"))
        desk.put(tx, desk.events(tx, "alice"), "b.ics", desk.event("own-event"))
        solo = groups.create(tx, "SOLO")
    with store.write(SITE) as tx:
        iab = principals.find(tx, SpaceKind.GROUP, "IAB")
        groups.set_admin(tx, iab, principals.find(tx, SpaceKind.PRIVATE, "bob"))
        accounts.remove(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
        assert accounts.credentials(tx, "alice") is None
        for kind, name in ((SpaceKind.PRIVATE, "alice"), (SpaceKind.GROUP, solo.name)):
            with pytest.raises(NotFound):
                principals.find(tx, kind, name)
        assert accounts.create(tx, "alice", "*").id > alice.id  # a number is never given again
    with store.read(bob) as tx:
        assert [who.name for who in principals.visible(tx)] == ["IAB", "bob"]
        assert desk.events(tx, "IAB").item_count == 1


def test_preferences_have_defaults_and_choices(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-27, ACC-05, ACC-08, ACC-17 and appendix A's boundaries."""
    with store.write(alice) as tx:
        me = principals.me(tx)
        held = preferences.of(tx, me)
        assert (held["event_length_min"], held["grid_min"], held["recent_days"]) == (60, 30, 5)
        assert (held["inactivity_min"], held["sms_parts_max"], held["clock_h"]) == (30, 1, 24)
        assert held["html_reply_format"] == "html"  # MSG-06, MSG-61
        assert preferences.choose(tx, me, "html_reply_format", "Text") == "text"
        assert preferences.choose(tx, me, "event_length_min", "0") == 0
        assert preferences.choose(tx, me, "event_length_min", "480") == 480
        assert preferences.choose(tx, me, "timezone", "Europe/Brussels") == "Europe/Brussels"
        assert preferences.choose(tx, me, "recent_days", "0") == 0
        assert preferences.of(tx, me)["event_length_min"] == 480
        assert preferences.choose(tx, me, "event_length_min", "") == 60
        for name, text in (
            ("event_length_min", "61"),
            ("grid_min", "5"),
            ("clock_h", "13"),
            ("html_reply_format", "rtf"),
            ("timezone", "Mars/Olympus"),
            ("timezone", "../../etc/passwd"),
            ("contacts_per_page", "4"),
            ("contacts_per_page", "51"),
            ("inactivity_min", "0"),
            ("inactivity_min", "481"),
            ("day_start_hour", "18"),
            ("start_page", "year"),
            ("shoes", "1"),
        ):
            with pytest.raises(Refused):
                preferences.choose(tx, me, name, text)
    with store.read(bob) as tx, pytest.raises(Denied):
        preferences.of(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))


def test_language_and_country(store: Store, alice: Actor) -> None:
    """ACC-03: effective at once."""
    with store.write(alice) as tx:
        me = principals.me(tx)
        preferences.set_language(tx, me, "FR_be", "be")
        account = accounts.find(tx, "alice")
        assert (account.language, account.country) == ("fr-BE", "BE")
        for language, country in (("x", ""), ("en", "Belgium"), ("fr/../x", "")):
            with pytest.raises(Refused):
                preferences.set_language(tx, me, language, country)
