"""A contact is asked whether its data are right, and answers by the link in the mail (CON-08)."""

from __future__ import annotations

import email
import re
import time
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from servers.feeds.application import loggable
from storage import contact_checks, contacts, items, locks, preferences, purge
from storage.errors import Denied, NotFound, Refused
from storage.formats import vcard
from storage.outbound import tables as outbound
from storage.schema import contact_checks as rows
from storage.store import Store
from storage.types import SITE, Actor
from tests.dav.desk import Client
from tests.storage import desk

CARD = "\r\n".join(
    [
        *("BEGIN:VCARD", "VERSION:3.0", "UID:dora", "FN:Dora Example", "N:Example;Dora;;;", "ORG:Kew"),
        *("EMAIL:dora@else.test", "X-ESCRITOIRE-LANG:fr", "NOTE:owes me tea", "CATEGORIES:friends", "END:VCARD", ""),
    ]
).encode()
BASE = "https://desk.test/feeds/contact/"


def put(store: Store, who: str = "alice", space: str = "alice", body: bytes = CARD) -> None:
    actor = desk.actor(store, who)
    with store.write(actor) as tx:
        items.put(tx, desk.contacts(tx, space), "dora.vcf", contacts.prepare(body))


def ask(store: Store, who: str = "alice", space: str = "alice", **more: str) -> str:
    """Send the question; the path of the link in it."""
    actor = desk.actor(store, who)
    with store.write(actor) as tx:
        contact_checks.ask(tx, desk.contacts(tx, space), "dora.vcf", link_base=BASE, **more)
    found = re.search(r"https://desk\.test(/feeds/contact/\S+)", mails(store)[-1].get_content())
    assert found is not None
    return found[1]


def mails(store: Store) -> list[EmailMessage]:
    with store.read(SITE) as tx:
        bodies = tx.db.execute(sa.select(outbound.messages.c.body).order_by(outbound.messages.c.id)).scalars().all()
    return [cast("EmailMessage", email.message_from_bytes(body, policy=default)) for body in bodies]


def held(store: Store, space: str = "alice") -> vcard.Card:
    actor = desk.actor(store, "alice")
    with store.read(actor) as tx:
        return vcard.read(items.get(tx, desk.contacts(tx, space), "dora.vcf").body or b"")


def press(anybody: Client, path: str, answer: str, **fields: str) -> Any:
    page = anybody.request("GET", path)
    etag = re.search(r'name="etag" value="([^"]*)"', page.text)
    form = {"answer": answer, "etag": etag[1] if etag else "", **fields}
    return anybody.request("POST", path, urlencode(form).encode())


def test_the_question_shows_the_data_but_not_what_was_noted(store: Store, anybody: Client) -> None:
    """In the contact's language, from who asks; neither comment nor categories, on the page neither."""
    put(store)
    path = ask(store)
    (mail,) = mails(store)
    assert (mail["To"], mail["From"]) == ("Dora Example <dora@else.test>", "Alice <alice@example.test>")
    assert mail["Subject"].startswith("Alice demande")
    page = anybody.request("GET", path)
    assert page.status == 200
    for shown in (mail.get_content(), page.text):
        assert "Société" in shown
        assert "Kew" in shown
        assert "owes me tea" not in shown
        assert "friends" not in shown
    assert loggable(path) == "/feeds/contact/…"
    assert anybody.request("GET", path).status == 200, "looking uses nothing up"


def test_it_confirms_once(store: Store, anybody: Client) -> None:
    put(store)
    path = ask(store)
    before = held(store).body
    assert "Merci" in press(anybody, path, "right").text
    assert held(store).body == before
    told = mails(store)[-1]
    assert (told["To"], told["Subject"]) == ("Alice <alice@example.test>", "Dora Example confirmed the data in your address book")
    assert anybody.request("GET", path).status == 404
    assert press(anybody, path, "right").status == 404
    assert len(mails(store)) == 2


def test_it_changes_and_erases(store: Store, anybody: Client) -> None:
    """The owner reads what each field was; what he noted stays."""
    put(store)
    path = ask(store)
    assert press(anybody, path, "save", given="Theodora", company="", comment="no", uid="x").status == 200
    card = held(store)
    assert (card.fn, card.org, card.uid) == ("Theodora Example", [""], "dora")
    assert b"owes me tea" in card.body
    assert card.categories == ["friends"]
    told = mails(store)[-1].get_content()
    assert "First name: Dora → Theodora" in told
    assert "Company: Kew → –" in told
    assert anybody.request("GET", path).status == 404


def test_what_changed_meanwhile_is_looked_at_again(store: Store, anybody: Client) -> None:
    put(store)
    path = ask(store)
    page = anybody.request("GET", path)
    etag = re.search(r'name="etag" value="([^"]*)"', page.text)
    assert etag is not None
    put(store, body=CARD.replace(b"ORG:Kew", b"ORG:Kew Gardens"))
    form = urlencode({"answer": "save", "etag": etag[1], "given": "Theodora", "company": "Kew"}).encode()
    again = anybody.request("POST", path, form)
    assert again.status == 409
    assert "Kew Gardens" in again.text
    assert press(anybody, path, "save", given="Theodora").status == 200
    assert held(store).org == ["Kew Gardens"]


def test_bad_answers(store: Store, anybody: Client) -> None:
    put(store)
    path = ask(store)
    assert press(anybody, path, "else").status == 400
    nothing = press(anybody, path, "save", given="", family="", company="", email_1="")
    assert nothing.status == 400
    assert "doit rester" in nothing.text
    shown = press(anybody, path, "save", given="<b>", family="", company="", email_1="")
    assert shown.status == 200
    assert "Dora → <b>" in mails(store)[-1].get_content()
    assert anybody.request("DELETE", path).status == 405
    assert anybody.request("GET", "/feeds/contact/" + "x" * 43).status == 404


def test_who_may_ask(store: Store, anybody: Client) -> None:
    """For contacts one created only, in a group's book too; the right to edit is judged when the answer comes."""
    put(store, "alice", "IAB")
    with pytest.raises(Denied):
        ask(store, "bob", "IAB")
    with pytest.raises(NotFound):
        ask(store, "carol", "alice")
    path = ask(store, "alice", "IAB", language="de")
    assert mails(store)[-1]["Subject"].startswith("Alice fragt")
    assert press(anybody, path, "save", given="Theodora").status == 200
    put(store, body=CARD.replace(b"EMAIL:dora@else.test\r\n", b""))
    with pytest.raises(Refused, match="no e-mail"):
        ask(store)


def test_links_that_end(store: Store, anybody: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another question, a removed contact, a removed account, and thirty days."""
    put(store)
    first, second = ask(store), ask(store)
    assert [anybody.request("GET", path).status for path in (first, second)] == [404, 200]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + contact_checks.VALIDITY_S + 1)
    assert anybody.request("GET", second).status == 404
    purge.run(store)
    with store.read(SITE) as tx:
        assert tx.db.execute(sa.select(sa.func.count()).select_from(rows)).scalar() == 0
    third = ask(store)
    actor: Actor = desk.actor(store, "alice")
    with store.write(actor) as tx:
        items.delete(tx, desk.contacts(tx, "alice"), "dora.vcf")
    assert anybody.request("GET", third).status == 404


def test_the_owners_language(store: Store, anybody: Client) -> None:
    put(store)
    alice = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        preferences.set_language(tx, alice, "nl")
    press(anybody, ask(store), "save", given="Theodora")
    assert mails(store)[-1]["Subject"] == "Dora Example heeft de gegevens gewijzigd"


def test_a_name_makes_no_header_fields(store: Store, anybody: Client) -> None:
    """Whoever calls himself an encoded word with line ends in it writes no field into mails of others (SYS-17)."""
    put(store, body=CARD.replace(b"FN:Dora Example", b"FN:=?utf-8?q?=0d=0aX-Evil=3a_1?="))
    press(anybody, ask(store), "right")
    assert [mail["X-Evil"] for mail in mails(store)] == [None, None]
    assert all("X-Evil=3a_1" in str(mail["To"]) + str(mail["Subject"]) for mail in mails(store))


def test_what_cannot_be_written_is_said(store: Store, anybody: Client) -> None:
    """A field longer than the mail to who asked tells, and a contact that a program of his has locked; the link stays."""
    put(store)
    path = ask(store, language="en")
    long = press(anybody, path, "save", given="x" * 501)
    assert (long.status, "at most 500" in long.text) == (400, True)
    alice = desk.actor(store, "alice")
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        held_by = locks.lock(tx, book.space, f"{book.name}/dora.vcf")
    locked = press(anybody, path, "save", given="Theodora")
    assert (locked.status, "try again later" in locked.text, "Theodora" in locked.text) == (423, True, True)
    with store.write(alice) as tx:
        locks.unlock(tx, book.space, f"{book.name}/dora.vcf", held_by.token)
    assert press(anybody, path, "save", given="x" * 500).status == 200
    assert len(mails(store)) == 2
