"""SendMail, SmartReply, SmartForward: sent once, kept, and never in somebody else's name (EAS-10, MSG-09, MSG-11)."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import ComposeMail, Email2, Settings
from storage import accounts
from storage.outbound import queue
from storage.store import Store
from storage.types import SITE, Actor
from tests.activesync.phone import Answer, Phone

MAIL = b"From: alice@example.test\r\nTo: carol@far.test\r\nBcc: bob@example.test\r\nSubject: hello\r\n\r\nHi Carol\r\n"


def send(phone: Phone, mime: bytes = MAIL, client_id: str = "c1", *more: Element) -> Answer:
    document = ComposeMail.SendMail(
        ComposeMail.ClientId(client_id), ComposeMail.SaveInSentItems(), *more, ComposeMail.Mime(mime)
    )
    return phone.post("SendMail", document)


def queued(store: Store) -> list[tuple[str, list[str], EmailMessage]]:
    """What waits in the queue: reverse-path, recipients, mail."""
    found = []
    with store.write(SITE) as tx:
        for lease in queue.lease(tx, "test", tx.now + 1, 100, per_destination=100):
            mail = message_from_bytes(queue.body(tx, lease.id), policy=policy.default)
            found.append((lease.sender, [one.address for one in lease.recipients], mail))
    return found  # type: ignore[return-value]


def status(answer: Answer) -> str:
    assert answer.status == 200
    return answer.document.text_of(ComposeMail.Status) or ""


def test_a_mail_is_sent_once_and_kept(phone: Phone, store: Store) -> None:
    answer = send(phone)
    assert (answer.status, answer.body) == (200, b"")
    assert send(phone).body == b""  # the answer was lost, and the phone tries again
    waiting = queued(store)
    assert sorted(one for _, to, _ in waiting for one in to) == ["bob@example.test", "carol@far.test"]
    assert {sender for sender, _, _ in waiting} == {"alice@example.test"}
    assert all(mail["bcc"] is None and mail["message-id"] and mail["date"] for _, _, mail in waiting)
    phone.folder_sync()
    sent = phone.folder("Sent Items")
    phone.sync(sent)
    assert phone.subjects(sent) == ["hello"]


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (b"From: alice@example.test\r\n", "Renée O'Hara, M.A. <alice@example.test>"),
        (b"From: <Alice@example.test>\r\n", "Renée O'Hara, M.A. <Alice@example.test>"),
        (b'From: "alice@example.test" <alice@example.test>\r\n', "Renée O'Hara, M.A. <alice@example.test>"),
        (b"", "Renée O'Hara, M.A. <alice@example.test>"),
        (b"From: Al <alice@example.test>\r\n", "Al <alice@example.test>"),
    ],
)
def test_its_author_has_a_name(phone: Phone, store: Store, author: bytes, expected: str) -> None:
    """MSG-09, ACC-02: a phone that does not know its owner's name leaves it to the server; one that does is believed."""
    with store.write(SITE) as tx:
        accounts.set_display_name(tx, accounts.find(tx, "alice").principal, "Renée O'Hara, M.A.")
    mime = MAIL.replace(b"From: alice@example.test\r\n", author)
    assert (send(phone, mime).status, send(phone, mime).body) == (200, b"")
    for _, _, mail in queued(store):
        (found,) = mail["from"].addresses
        assert f"{found.display_name} <{found.addr_spec}>" == expected


def test_settings_tell_the_name(phone: Phone, store: Store) -> None:
    """[MS-ASCMD] §2.2.3.185."""
    with store.write(SITE) as tx:
        accounts.set_display_name(tx, accounts.find(tx, "alice").principal, "Alice A.")
    asked = Settings.Settings(Settings.UserInformation(Settings.Get()))
    path = (Settings.UserInformation, Settings.Get, Settings.Accounts, Settings.Account)
    account = phone.post("Settings", asked).document.find(*path)
    assert account is not None
    assert account.text_of(Settings.UserDisplayName) == "Alice A."
    assert account.text_of(Settings.EmailAddresses, Settings.PrimarySmtpAddress) == "alice@example.test"


def test_an_account_that_is_none(phone: Phone, store: Store) -> None:
    """MS-ASCMD_R4956: Settings names no AccountId, so that there is none to send from."""
    asked = ComposeMail.SendMail(ComposeMail.ClientId("x1"), ComposeMail.AccountId("2"), ComposeMail.Mime(MAIL))
    assert status(phone.post("SendMail", asked)) == "166"
    assert not queued(store)


def test_before_fourteen_the_body_is_the_mail(connect: Callable[..., Phone], store: Store) -> None:
    phone = connect(version="12.1")
    answer = phone.request(
        "POST",
        "Cmd=SendMail&User=alice&DeviceId=P&DeviceType=T&SaveInSent=T",
        MAIL,
        **{"Content-Type": "message/rfc822"},
    )
    assert (answer.status, answer.body) == (200, b"")
    assert len(queued(store)) == 2
    wrong = phone.request("POST", "Cmd=SendMail&User=alice&DeviceId=P&DeviceType=T", MAIL.replace(b"alice", b"bob"))
    assert wrong.status == 500


@pytest.mark.parametrize(
    ("mime", "expected"),
    [
        (MAIL.replace(b"alice@", b"bob@"), "120"),
        (b"From: alice@example.test\r\nSubject: to nobody\r\n\r\n\r\n", "119"),
        (b"To: somebody\r\n\r\nx\r\n", "116"),
        (b"  \r\n", "107"),
        (b"\xff\x00" * 50, "119"),
    ],
)
def test_what_cannot_be_sent_is_refused(phone: Phone, store: Store, mime: bytes, expected: str) -> None:
    assert status(send(phone, mime)) == expected
    assert queued(store) == []


def test_the_author_is_filled_in(phone: Phone, store: Store) -> None:
    assert send(phone, b"To: carol@far.test\nSubject: bare\n\nlines end with LF\n").body == b""
    [(_, _, mail)] = queued(store)
    assert mail["from"] == "alice@example.test"
    assert mail.get_content() == "lines end with LF\r\n"


def smart(phone: Phone, root: str, folder: str, item: str, mime: bytes, *more: Element) -> Answer:
    source = ComposeMail.Source(ComposeMail.FolderId(folder), ComposeMail.ItemId(item))
    tag = getattr(ComposeMail, root)
    document = tag(ComposeMail.ClientId(f"{root}{len(more)}"), source, *more, ComposeMail.Mime(mime))
    return phone.post(root, document)


ORIGINAL = (
    'MIME-Version: 1.0\r\nMessage-ID: <o@far.test>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>Grüße</p><img src='cid:p1'></body></html>\r\n"
    "--b\r\nContent-Type: image/png\r\nContent-ID: <p1>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"
    '--b\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="a.pdf"\r\n'
    "Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--"
)


@pytest.fixture
def original(store: Store, alice: Actor, phone: Phone, deliver: Callable[..., int]) -> tuple[str, str]:
    header, _, body = ORIGINAL.partition("\r\n\r\n")
    deliver("the plan", text=body, more=header + "\r\n")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    return inbox, phone.number(inbox, "the plan")


REPLY = (
    b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: Re: the plan\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"<html><body><p>Fine by me</p></body></html>\r\n"
)


def test_a_reply_quotes_and_marks(phone: Phone, store: Store, original: tuple[str, str]) -> None:
    assert smart(phone, "SmartReply", *original, REPLY).body == b""
    [(_, _, mail)] = queued(store)
    text = mail.get_content()
    assert text.index("Fine by me") < text.index("Grüße") < text.index("</body>")
    assert "<b>Subject:</b> the plan" in text
    assert text.count("<body>") == 1
    assert mail["in-reply-to"] == "<o@far.test>"
    phone.sync(original[0])
    shown = phone.items[original[0]][original[1]]
    assert shown.text_of(Email2.LastVerbExecuted) == "1"


def test_a_forward_carries_everything(phone: Phone, store: Store, original: tuple[str, str]) -> None:
    assert smart(phone, "SmartForward", *original, REPLY).body == b""
    [(_, _, mail)] = queued(store)
    assert mail.get_content_type() == "multipart/mixed"
    first, pdf = list(mail.iter_parts())
    assert first.get_content_type() == "multipart/related"
    markup, picture = list(first.iter_parts())
    assert "cid:p1" in markup.get_content()
    assert picture["content-id"] == "<p1>"
    assert pdf.get_content() == b"%PDF"
    assert pdf.get_filename() == "a.pdf"
    phone.sync(original[0])
    assert phone.items[original[0]][original[1]].text_of(Email2.LastVerbExecuted) == "3"


def test_a_forward_keeps_an_attachment_of_gmail_apart(
    phone: Phone, store: Store, deliver: Callable[..., int]
) -> None:
    """RFC 2387 §1: related is what the text needs. Gmail gives a Content-ID to all; there, some programs show no files."""
    header, _, body = ORIGINAL.partition("\r\n\r\n")
    text = body.replace("Content-Type: application/pdf", "Content-ID: <f_1>\r\nContent-Type: application/pdf")
    deliver("gmail", text=text, more=header + "\r\n")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    assert smart(phone, "SmartForward", inbox, phone.number(inbox, "gmail"), REPLY).body == b""
    [(_, _, mail)] = queued(store)
    related, pdf = list(mail.iter_parts())
    assert [one.get_content_type() for one in related.iter_parts()] == ["text/html", "image/png"]
    assert pdf.get_filename() == "a.pdf"


def test_a_plain_forward_keeps_the_pictures_as_attachments(
    phone: Phone, store: Store, original: tuple[str, str]
) -> None:
    plain = b"To: bob@example.test\r\nSubject: Fwd\r\n\r\nSee below\r\n"
    assert smart(phone, "SmartForward", *original, plain).body == b""
    [(_, _, mail)] = queued(store)
    kinds = [one.get_content_type() for one in mail.iter_parts()]
    assert kinds == ["text/plain", "image/png", "application/pdf"]
    assert "Grüße" in next(mail.iter_parts()).get_content()


def test_a_whole_mail_is_left_alone(phone: Phone, store: Store, original: tuple[str, str]) -> None:
    assert smart(phone, "SmartReply", *original, REPLY, ComposeMail.ReplaceMime()).body == b""
    [(_, _, mail)] = queued(store)
    assert "Grüße" not in mail.get_content()


def test_a_signed_mail_is_left_alone(phone: Phone, store: Store, original: tuple[str, str]) -> None:
    signed = (
        b'From: alice@example.test\r\nTo: bob@example.test\r\nContent-Type: multipart/signed; boundary="s"\r\n\r\n'
        b"--s\r\nContent-Type: text/plain\r\n\r\nsigned\r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\nx\r\n"
        b"--s--\r\n"
    )
    assert smart(phone, "SmartReply", *original, signed).body == b""
    [(_, _, mail)] = queued(store)
    assert mail.get_content_type() == "multipart/signed"
    assert "Grüße" not in str(mail)


@pytest.mark.parametrize("place", [("999", "999:1"), ("x", ""), ("", "")])
def test_what_is_not_there_cannot_be_answered(phone: Phone, store: Store, place: tuple[str, str]) -> None:
    assert status(smart(phone, "SmartReply", *place, REPLY)) == "150"
    assert queued(store) == []


def test_nobody_forwards_the_mail_of_others(
    connect: Callable[..., Phone], store: Store, original: tuple[str, str]
) -> None:
    bob = connect(login="bob", password="bob-secret", device="BOBS")
    assert status(smart(bob, "SmartForward", *original, REPLY.replace(b"alice@", b"bob@"))) == "150"
    assert queued(store) == []


def test_an_item_and_a_long_id_together_are_too_much(phone: Phone, original: tuple[str, str]) -> None:
    source = ComposeMail.Source(
        ComposeMail.FolderId(original[0]), ComposeMail.ItemId(original[1]), ComposeMail.LongId(original[1])
    )
    answer = phone.post(
        "SmartReply", ComposeMail.SmartReply(ComposeMail.ClientId("x"), source, ComposeMail.Mime(REPLY))
    )
    assert status(answer) == "105"


def test_hostile_originals_are_forwarded_all_the_same(
    phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int]
) -> None:
    deliver(
        "evil",
        text="--x\r\nContent-Type: text/html; charset=klingon\r\n\r\n</body><body\r\n--x\r\nbroken",
        more='Content-Type: multipart/mixed; boundary="x"\r\n',
    )
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    assert smart(phone, "SmartForward", inbox, phone.number(inbox, "evil"), REPLY).body == b""
    assert len(queued(store)) == 1


def test_a_device_of_another_kind_is_another_sender(connect: Callable[..., Phone], store: Store) -> None:
    for device in ("ONE", "TWO"):
        assert send(connect(device=device), client_id="same").body == b""
    assert len(queued(store)) == 4
