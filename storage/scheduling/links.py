"""Links by which people without an account answer an invitation: one person, one meeting, one answer (MTG-05).

A link is what it says, signed with the store's secret: nothing is kept of it, and nobody can make another one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from typing import Final

from storage.errors import NotFound, Refused
from storage.formats import itip
from storage.formats.contentline import Component, escape_text, unescape_text
from storage.scheduling import copies, delivery, mailing, people
from storage.scheduling.people import Person
from storage.store import Store, Transaction
from storage.types import SITE, Actor, PrincipalId

PURPOSES: Final = {"accept": "ACCEPTED", "decline": "DECLINED"}
PATH: Final = "feeds/meeting"
"""Where the links lead, below the desk's origin."""
_SEAL_OCTETS: Final = 18
_LONGEST: Final = 1_500
_REASON: Final = 2_000


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link is about, for the one who follows it."""

    purpose: str
    address: str
    summary: str
    when: str
    place: str
    organizer: str
    state: str
    """PARTSTAT, as the organizer has it."""


def of(tx: Transaction, sender: str, recipient: str, found: Component) -> dict[str, str]:
    """The links for somebody outside who is invited by `sender`, by purpose; {} if there can be none."""
    origin = tx.store.limits.origin
    head = itip.organizer(found)
    if not origin or head is None or itip.address(head.value) != sender:
        return {}  # passed on by an attendee: the organizer is elsewhere
    person = people.of_address(tx, sender)
    part = itip.parts(found)[0]
    uid = part.value("UID").strip()
    if person is None or len(uid) > 255:
        return {}
    latest = max(map(itip.sequence, itip.parts(found)))
    said = [person.id, person.login, uid, recipient, latest]
    return {purpose: f"{origin}/{PATH}/{_sealed(tx.store, purpose, said)}/{purpose}" for purpose in PURPOSES}


def show(store: Store, token: str, purpose: str) -> Invitation:
    """What a link is about.

    Raises:
        NotFound: it is none of ours, or the meeting or the invitation is no more.
        Refused: the meeting has changed since, and a newer mail has newer links.
    """
    said = _read(store, token, purpose)
    with store.read(SITE) as tx:
        _, _, meeting, address = _meeting(tx, said)
    part = next(each for each in itip.parts(meeting) if itip.attendee(each, {address}) is not None)
    start, head = part.get("DTSTART"), itip.organizer(meeting)
    name = (head.param("CN") or itip.address(head.value)) if head is not None else ""
    return Invitation(
        purpose,
        address,
        mailing.line(part.value("SUMMARY")) or "-",
        mailing.when(start) if start is not None else "",
        mailing.line(part.value("LOCATION")),
        unescape_text(name),
        itip.partstat(itip.attendee(part, {address})),
    )


def answer(store: Store, token: str, purpose: str, reason: str = "") -> None:
    """Give the answer of a link; the organizer is told, by mail as well if it is a refusal (MTG-08).

    Raises:
        NotFound, Refused: as `show`.
    """
    said = _read(store, token, purpose)
    with store.write(SITE) as tx:
        _, organizer, meeting, address = _meeting(tx, said)
        state = PURPOSES[purpose]
        mine = frozenset({address})
        for each in itip.parts(meeting):
            prop = itip.attendee(each, mine)
            if prop is not None:
                itip.set_param(prop, "PARTSTAT", state)
                itip.set_param(prop, "DELEGATED-TO", "")
            itip.set_value(each, "COMMENT", escape_text(reason.strip()[:_REASON]))
            if not reason.strip():
                each.properties = [one for one in each.properties if one.name != "COMMENT"]
        reply = itip.reply(meeting, mine)
        status = delivery.reply(tx, address, organizer, reply, notice=state == itip.DECLINED)
    if status != delivery.DELIVERED:
        raise NotFound(address)


def _meeting(tx: Transaction, said: list[object]) -> tuple[Person, str, Component, str]:
    """The organizer, his address, a form of the meeting that may be changed, and who answers."""
    number, login, uid, address, latest = said
    person = Person(PrincipalId(int(str(number))), str(login))
    acting = Actor(person.id, person.login)
    theirs = people.acting(tx, Person(acting.id, acting.login))
    present: copies.Copy | None = delivery.organized(theirs, person, str(uid))
    head = itip.organizer(present.calendar) if present is not None else None
    if present is None or head is None or str(address) not in itip.attendees(present.calendar):
        raise NotFound(str(uid))
    if max(map(itip.sequence, itip.parts(present.calendar))) > int(str(latest)):
        raise Refused("this meeting has changed since: use the links of the newest mail about it")
    return person, itip.address(head.value), itip.clone(present.calendar), str(address)


def _sealed(store: Store, purpose: str, said: list[object]) -> str:
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_seal(store, purpose, text) + text).decode().rstrip("=")


def _read(store: Store, token: str, purpose: str) -> list[object]:
    if purpose not in PURPOSES or len(token) > _LONGEST or not token.isascii():
        raise NotFound(purpose)
    try:
        octets = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotFound(purpose) from None
    seal, text = octets[:_SEAL_OCTETS], octets[_SEAL_OCTETS:]
    if not hmac.compare_digest(seal, _seal(store, purpose, text)):
        raise NotFound(purpose)
    found: list[object] = json.loads(text)
    return found


def _seal(store: Store, purpose: str, text: bytes) -> bytes:
    return hmac.digest(store.secret, b"meeting\0" + purpose.encode() + b"\0" + text, "sha256")[:_SEAL_OCTETS]
