"""pyactivesync, a client of strangers that speaks 16.1, against the served desk (EAS-02, 09…11, 13; MSG-10, MSG-46)."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from pyactivesync import Client
from pyactivesync.models import BodyType, Contact, ContactChange, EmailChange, FolderType, SyncItem

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.mail import Mailbox

Connect = Callable[[str], Client]


@pytest.fixture
def connect(desk: Desk) -> Iterator[Connect]:
    opened: list[Client] = []

    def make(login: str) -> Client:
        client = Client("localhost", login, PASSWORDS[login], device_id=uuid.uuid4().hex)
        # It knows https only; the desk of the tests has no TLS.
        client._transport.base_url = f"{desk.endpoints['activesync']['url'].rstrip('/')}/Microsoft-Server-ActiveSync"
        opened.append(client)
        return client

    yield make
    for one in opened:
        one.close()


def folder(client: Client, kind: FolderType) -> str:
    return next(one.id for one in client.list_folders() if one.type == kind)


def everything(client: Client, number: str, key: str = "0") -> tuple[str, list[SyncItem]]:
    found: list[SyncItem] = []
    while True:
        fresh = key == "0"
        result = client.sync_folder(number, key)
        key = result.sync_key
        found += result.added
        if not fresh and not result.more_available:
            return key, found


def message(subject: str, to: str = "bob@example.test", attach: bytes = b"") -> EmailMessage:
    mail = EmailMessage()
    mail["To"], mail["Subject"] = to, subject
    mail.set_content(f"the text of {subject}\n")
    if attach:
        mail.add_attachment(attach, maintype="application", subtype="octet-stream", filename="täst.bin")
    return mail


def test_folders_are_made_renamed_and_removed(connect: Connect) -> None:
    alice = connect("alice")
    made = alice.create_folder("Trips", type=FolderType.USER_GENERIC)
    assert "Trips" in {one.name for one in alice.list_folders()}
    inner = alice.create_folder("2026", parent_id=made.id, type=FolderType.USER_GENERIC)
    assert next(one for one in alice.list_folders() if one.id == inner.id).parent_id == made.id
    alice.update_folder(inner.id, "2027", parent_id=made.id)
    assert "2027" in {one.name for one in alice.list_folders()}
    alice.delete_folder(made.id)
    assert not {"Trips", "2027"} & {one.name for one in alice.list_folders()}


def test_a_mail_reaches_a_waiting_device(connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    inbox = folder(bob, FolderType.INBOX)
    key, _ = everything(bob, inbox)
    subject = f"wake {uuid.uuid4().hex}"
    answered: list[float] = []

    def wait() -> None:
        result = bob.ping([inbox], heartbeat=60, timeout=90)
        answered.append(time.monotonic())
        assert (result.status, result.changed_folder_ids) == ("2", [inbox])

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(1)
    sent = time.monotonic()
    alice.send_mail(message(subject, attach=b"\x00\x01"))
    waiter.join(60)
    assert answered, "nobody woke it"
    assert answered[0] - sent < 30
    key, added = everything(bob, inbox, key)
    [item] = [one for one in added if one.fields["Email.Subject"] == subject]
    whole = bob.fetch_item(inbox, item.server_id, body_type=BodyType.PLAIN_TEXT)
    assert whole.body is not None
    assert str(whole.body.data).strip() == f"the text of {subject}"
    assert whole.attachments[0].display_name == "täst.bin"
    assert bob.fetch_attachment(whole.attachments[0].file_reference) == b"\x00\x01"
    mime = bob.fetch_item(inbox, item.server_id, body_type=BodyType.MIME)
    assert mime.body is not None
    assert subject.encode() in (mime.body.data or b"")  # type: ignore[operator]
    changed = bob.apply_email_changes(inbox, key, [EmailChange(item.server_id, read=True, flagged=True)])
    assert changed.statuses == {item.server_id: "1"}
    found = bob.find_mailbox(subject)
    assert [one.server_id for one in found.items] == [item.server_id]
    moved = bob.move_item(item.server_id, inbox, folder(bob, FolderType.DELETED_ITEMS))
    assert moved != item.server_id
    assert bob.find_mailbox(subject).items == []
    assert bob.find_mailbox(subject, folder_id=folder(bob, FolderType.DELETED_ITEMS)).items[0].server_id == moved
    sent_items = everything(alice, folder(alice, FolderType.SENT_ITEMS))[1]
    assert subject in {one.fields["Email.Subject"] for one in sent_items}


def test_drafts(connect: Connect, desk: Desk) -> None:
    alice = connect("alice")
    drafts = folder(alice, FolderType.DRAFTS)
    key, _ = everything(alice, drafts)
    subject = f"draft {uuid.uuid4().hex}"
    made = alice.create_email_draft(drafts, key, message(subject, attach=b"inside"), read=True, flagged=True)
    assert made.status == "1"
    assert made.server_id is not None
    whole = alice.fetch_item(drafts, made.server_id)
    assert whole.fields["Email.Subject"] == subject
    assert alice.fetch_attachment(whole.attachments[0].file_reference) == b"inside"
    stored = Mailbox(desk, "alice", "Drafts").mails()
    [flags] = [flags for octets, flags in stored.items() if subject.encode() in octets]
    assert "\\Draft" in flags
    assert "\\Seen" in flags
    assert "\\Flagged" in flags
    gone = alice.apply_email_changes(drafts, made.sync_key, [EmailChange(made.server_id, delete=True)])
    assert gone.statuses == {made.server_id: "1"}
    inbox = folder(alice, FolderType.INBOX)
    key, _ = everything(alice, inbox)
    assert alice.create_email_draft(inbox, key, message("no draft")).status == "6"


def test_contacts(connect: Connect) -> None:
    alice = connect("alice")
    book = folder(alice, FolderType.CONTACTS)
    key, _ = everything(alice, book)
    name = f"Hopper{uuid.uuid4().hex[:8]}"
    made = alice.create_contact(
        book, key, Contact(first_name="Grace", last_name=name, email1_address="grace@navy.test", categories=["Navy"])
    )
    assert made.status == "1"
    assert made.server_id is not None
    found = alice.search_gal(name)
    assert [one.email_address for one in found] == ["grace@navy.test"]
    assert [one.email_address for one in alice.resolve_recipients(name)] == ["grace@navy.test"]
    assert [one.fields["GAL.EmailAddress"] for one in alice.find_gal(name).items] == ["grace@navy.test"]
    whole = Contact(first_name="Grace", last_name=name, job_title="Admiral")
    changed = alice.apply_contact_changes(book, made.sync_key, [ContactChange(made.server_id, whole)])
    assert changed.statuses == {made.server_id: "1"}
    shown = alice.fetch_item(book, made.server_id)
    assert shown.fields["Contacts.JobTitle"] == "Admiral"
    assert "Contacts.Email1Address" not in shown.fields
    gone = alice.apply_contact_changes(book, changed.sync_key, [ContactChange(made.server_id, delete=True)])
    assert gone.statuses == {made.server_id: "1"}
    assert [one for one in alice.search_gal(name) if one.email_address] == []  # nothing is an empty Result


def test_estimates_agree_with_what_comes(connect: Connect) -> None:
    alice = connect("alice")
    inbox = folder(alice, FolderType.INBOX)
    key = alice.sync_folder(inbox).sync_key
    expected = alice.get_item_estimate(inbox, key)
    assert len(everything(alice, inbox, key)[1]) == expected
