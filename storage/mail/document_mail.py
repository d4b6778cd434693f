"""Documents sent by mail: what lies on the disk goes out as attachments, without a download (MSG-13)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from typing import Any, Final

from storage import bodies, folders, principals
from storage import collections as tree
from storage.errors import Denied, NotFound, Refused, TooLarge
from storage.filing import File
from storage.formats.addresses import Address, parse_addresses
from storage.formats.mail_policy import POLICY, POLICY_UTF8, one_line
from storage.mail import recipients, sending, submitting
from storage.mail.attachments import Place
from storage.mail.routing import Site
from storage.mail.submitting import Origin
from storage.mail.types import MESSAGE_OCTETS
from storage.store import Store
from storage.types import Actor, Right, View

_SUBJECT_CHARACTERS: Final = 200
_TOKEN: Final = r"[^\x00-\x20\x7f-\U0010ffff()<>@,;:\\\"/\[\]?=]+"
_MEDIA_TYPE: Final = re.compile(rf"\s*({_TOKEN})/({_TOKEN})\s*(?:;|\Z)")
"""RFC 2045 §5.1; a document keeps what whoever wrote it said."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is written around the documents; the addresses are lists as they stand in a header (MSG-01)."""

    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    """The documents' names without it."""
    text: str = ""
    sender: str = ""
    """One of the author's own addresses (MSG-09); the default one without it."""


def send(store: Store, site: Site, actor: Actor, places: Sequence[Place], letter: Letter) -> list[str]:
    """Send documents that the actor may read; return the addresses that they go to.

    They go by the queue, a copy is kept as for every mail (MSG-11), and it counts as one of the day (SMTP-05).

    Raises:
        NotFound: one of them is not there for him, or is a folder.
        Denied: he does not see what is in one.
        TooLarge: the mail would be larger than any may be (MSG-62).
        Refused: there is nobody to send to, somebody is no address, the sender is somebody else's, or the plan
            allows no more.
    """
    fields = {name: _addresses(text) for name, text in (("To", letter.to), ("Cc", letter.cc), ("Bcc", letter.bcc))}
    everybody = list(dict.fromkeys(one.address for found in fields.values() for one in found))
    if not everybody:
        raise Refused("say who it is for")
    with store.read(actor) as tx:
        files = [_file(folders.find(tx, one.kind, one.space, one.path, body=True)) for one in places]
        me = principals.me(tx)
        own = sending.addresses(tx, actor, site.domains)
        if not own:
            raise Refused(f"{actor.login} has no confirmed address to send from")
        sender = letter.sender or recipients.default_sender(tx, actor.id, own)
        if not sending.may_send_from(own, sender):
            raise submitting.NotYours(sender)
        most = sending.recipients_max(tx, actor)
    if most is not None and len(everybody) > most:
        raise Refused(f"the plan allows {most} recipients of one mail")
    if sum(file.size for file in files) > MESSAGE_OCTETS * 3 // 4:  # base64 makes it a third longer
        raise TooLarge(MESSAGE_OCTETS)
    utf8 = not all(address.isascii() for address in (sender, *everybody))
    mail: Any = EmailMessage(policy=POLICY_UTF8 if utf8 else POLICY)
    mail["From"] = _shown(Address(me.display_name, *sender.rpartition("@")[::2]))
    for name in ("To", "Cc"):
        if fields[name]:
            mail[name] = [_shown(one) for one in fields[name]]
    subject = letter.subject or ", ".join(file.name for file in files)
    mail["Subject"] = " ".join(subject.split())[:_SUBJECT_CHARACTERS]
    mail.set_content(letter.text.encode("utf-8", "replace").decode())
    for file in files:
        with bodies.open_file(store, file) as body:
            _attach(mail, file, body.read())
    ready = submitting.ready(store, site, actor, Origin("HTTPS"), own, mail.as_bytes(), sender=sender)
    targets = submitting.targets(store, site, everybody)
    try:
        with store.write(actor) as tx:
            submitting.accept(tx, ready, targets, sender=sender, smtputf8=utf8)
    except sending.TooMany as error:
        raise Refused(str(error)) from None
    return everybody


def _file(found: object) -> File:
    if not isinstance(found, File):
        raise NotFound("folders are not sent by mail: name documents")
    if found.view is not View.FULL:
        raise Denied(Right.SEE, tree.path(found.folder, found.name))
    return found


def _addresses(text: str) -> list[Address]:
    found = parse_addresses(text.replace(";", ","))
    # The parser forgives what arrives; what somebody types, and mistypes, goes to nobody else.
    wrong = [one for one in found if not one.host or not one.mailbox or one.address not in text]
    if wrong:
        raise Refused(f"{wrong[0].address or text!r} is no address as it is written")
    return found


def _shown(one: Address) -> Mailbox:
    return Mailbox(" ".join(one.name.split()), one.mailbox, one.host)


def _attach(mail: EmailMessage, file: File, data: bytes) -> None:
    found = _MEDIA_TYPE.match(file.media_type)
    kind, subtype = ("application", "octet-stream") if found is None else (found[1], found[2])
    if kind.lower() in {"multipart", "message"}:
        kind, subtype = "application", "octet-stream"
    mail.add_attachment(data, maintype=kind, subtype=subtype, filename=one_line(file.name))
