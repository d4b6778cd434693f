"""What a contact is asked, and what becomes of its answer, on both engines (CON-08); the pages are the feeds' subject."""

from __future__ import annotations

import email
import re

import pytest
import sqlalchemy as sa

from storage import contact_checks, contacts, items, quota
from storage.errors import NotFound, Stale
from storage.formats import vcard
from storage.outbound.tables import messages
from storage.store import Store
from storage.types import PUBLIC, SITE, Tool
from tests.storage import desk

CARD = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:d\r\nFN:Dora\r\nN:;Dora;;;\r\nEMAIL:d@else.test\r\nNOTE:n\r\nEND:VCARD\r\n"


def ask(store: Store) -> str:
    """Have dora asked; the token of the link."""
    alice = desk.actor(store, "alice")
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        items.put(tx, book, "d.vcf", contacts.prepare(CARD))
        contact_checks.ask(tx, book, "d.vcf", link_base="https://desk.test/")
    with store.read(SITE) as tx:
        body = tx.db.execute(sa.select(messages.c.body)).scalar_one()
    text = email.message_from_bytes(bytes(body)).get_payload(decode=True)
    assert isinstance(text, bytes)
    found = re.search(r"https://desk\.test/(\S+)", text.decode())
    assert found is not None
    return found[1]


def test_question_and_answer(store: Store) -> None:
    token = ask(store)
    with store.read(PUBLIC) as tx:  # looking writes nothing, and PostgreSQL holds us to it
        asked = contact_checks.question(tx, token)
    assert (asked.asker, asked.row) == ("Alice", {"given": "Dora", "email_1": "d@else.test"})
    with store.write(PUBLIC) as tx, pytest.raises(Stale):
        contact_checks.change(tx, token, "other", {"given": "Theodora"})
    with store.write(PUBLIC) as tx:
        assert contact_checks.change(tx, token, asked.etag, {"given": "Theo"}) == {"given": ("Dora", "Theo")}
    alice = desk.actor(store, "alice")
    with store.read(alice) as tx:
        card = vcard.read(items.get(tx, desk.contacts(tx, "alice"), "d.vcf").body or b"")
        assert (card.version, card.fn, b"NOTE:n" in card.body) == ("4.0", "Theo", True)
        assert quota.every(tx, desk.contacts(tx, "alice").space)[Tool.CONTACTS].count == 1
    with store.read(PUBLIC) as tx, pytest.raises(NotFound):
        contact_checks.question(tx, token)
