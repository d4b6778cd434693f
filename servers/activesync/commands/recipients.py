"""ResolveRecipients ([MS-ASCMD] §2.2.1.15): who is meant, and when he is busy (MSG-10, CAL-07)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from servers.activesync import gal
from servers.activesync.call import Call
from servers.activesync.classes import event_times
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.commands.search import pictures_of
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import GAL
from servers.activesync.wbxml.pages import ResolveRecipients as Resolve
from storage import busy_times, directory, preferences
from storage import collections as tree
from storage.directory import Entry
from storage.errors import NotFound
from storage.scheduling import people
from storage.store import Transaction
from storage.types import SpaceKind, Tool

_OK, _AMBIGUOUS, _PARTIAL, _NOBODY, _PROTOCOL = 1, 2, 3, 4, 5
_NO_CERTIFICATES, _TOO_MANY_CERTIFICATES, _NOT_ALLOWED = 7, 8, 163
_FULL, _MINI = "2", "3"
_STEP_S: Final = 1800
_LONGEST_S: Final = 62 * 86_400
RECIPIENTS_MAX: Final = 100
_AMBIGUITY_MAX: Final = 19
_FREE, _TENTATIVE, _BUSY, _AWAY, _UNKNOWN = "01234"
CERTIFICATES_MAX: Final = 9_999
_KINDS: Final = {"BUSY-TENTATIVE": _TENTATIVE, "BUSY-UNAVAILABLE": _AWAY}


def resolve(call: Call) -> Element:
    """One Response for each To."""
    asked = [] if call.body is None else call.body.all(Resolve.To)
    if call.body is None or not asked or len(asked) > RECIPIENTS_MAX:
        return Resolve.ResolveRecipients(Resolve.Status(_PROTOCOL))
    options = call.body.find(Resolve.Options)
    span = None
    wanted = None if options is None else options.find(Resolve.Availability)
    if wanted is not None:
        try:
            begin = event_times.seconds_of(wanted.text_of(Resolve.StartTime) or "")
            end_text = wanted.text_of(Resolve.EndTime)
            end = event_times.seconds_of(end_text) if end_text else begin + 7 * 86_400
        except Unconvertible:
            return Resolve.ResolveRecipients(Resolve.Status(_PROTOCOL))
        if not _STEP_S <= end - begin <= _LONGEST_S:
            return Resolve.ResolveRecipients(Resolve.Status(_PROTOCOL))
        span = (begin, end)
    retrieval = None if options is None else options.text_of(Resolve.CertificateRetrieval)
    most = None if options is None else options.text_of(Resolve.MaxCertificates)
    with call.store.read(call.actor) as tx:
        resolved = [_entries(tx, one.text, options) for one in asked]
        keys = None
        if retrieval in (_FULL, _MINI):
            known = _certificates(tx, [entry for several, _ in resolved for entry in several])
            keys = _Keys(retrieval == _MINI, min(number(most, CERTIFICATES_MAX), CERTIFICATES_MAX), known)
        found = [_one(tx, one.text, of, options, span, keys) for one, of in zip(asked, resolved, strict=True)]
    return Resolve.ResolveRecipients(Resolve.Status(_OK), *found)


@dataclass(slots=True)
class _Keys:
    """Certificates that a device asks for ([MS-ASCMD] §2.2.3.22)."""

    mini: bool
    left: int
    """How many it takes of all together (§2.2.3.101)."""
    known: Mapping[str, Sequence[bytes]]
    """In DER, by address in lower case."""

    def of(self, address: str) -> Element:
        """Those of one recipient: all of them or none ([MS-ASCMD] §2.2.3.101)."""
        found = self.known.get(address.lower(), ())[: 1 if self.mini else None]
        if not found or len(found) > self.left:
            status = _TOO_MANY_CERTIFICATES if found else _NO_CERTIFICATES
            return Resolve.Certificates(Resolve.Status(status), Resolve.CertificateCount(len(found)))
        self.left -= len(found)
        tag = Resolve.MiniCertificate if self.mini else Resolve.Certificate
        told = (tag(base64.b64encode(one).decode("ascii")) for one in found)
        return Resolve.Certificates(Resolve.Status(_OK), Resolve.CertificateCount(len(found)), *told)


def _certificates(tx: Transaction, entries: Sequence[Entry]) -> dict[str, list[bytes]]:
    """What cards say of these people, certificates that may be used today, for each once."""
    from cryptography.hazmat.primitives.serialization import Encoding  # several megabytes, for who asks alone

    from storage.formats import certificates

    now = certificates.now_of(tx.now)
    found: dict[str, list[bytes]] = {}
    for address, cards in directory.cards(tx, [one.address for one in entries]).items():
        usable = {
            one.public_bytes(Encoding.DER): None
            for card in cards
            for one in certificates.of_card(card.component)
            if certificates.usable(one, address, now)
        }
        found[address] = list(usable)
    return found


def _entries(tx: Transaction, text: str, options: Element | None) -> tuple[list[Entry], bool]:
    """Who may be meant, and whether there are more."""
    most = _AMBIGUITY_MAX
    if options is not None:
        most = min(max(number(options.text_of(Resolve.MaxAmbiguousRecipients), most), 1), 99)
    entries, more = directory.search(tx, text, most)
    exact = [one for one in entries if one.address.lower() == text.strip().lower()]
    return exact or entries, more


def _one(
    tx: Transaction, text: str, found: tuple[list[Entry], bool], options: Element | None,
    span: tuple[int, int] | None, keys: _Keys | None,
) -> Element:  # fmt: skip
    entries, more = found
    if not entries:
        return Resolve.Response(Resolve.To(text), Resolve.Status(_NOBODY))
    status = _OK if len(entries) == 1 else _PARTIAL if more else _AMBIGUOUS
    said = None if options is None else options.find(Resolve.Picture)
    size = None if said is None else said.text_of(Resolve.MaxSize)
    pictures = pictures_of(said, size, None if said is None else said.text_of(Resolve.MaxPictures))
    told = [_recipient(tx, one, span, pictures, keys) for one in entries]
    return Resolve.Response(
        Resolve.To(text), Resolve.Status(status), Resolve.RecipientCount(len(entries)), *told
    )


def _recipient(
    tx: Transaction, entry: Entry, span: tuple[int, int] | None, pictures: gal.Pictures | None, keys: _Keys | None
) -> Element:
    shown = None if pictures is None else next(one for one in gal.properties(entry, pictures) if one.tag is GAL.Picture)
    picture = None
    if shown is not None:
        data = shown.text_of(GAL.Data)
        picture = Resolve.Picture(
            Resolve.Status(int(shown.text_of(GAL.Status) or "1")), Resolve.Data(data) if data else None
        )
    return Resolve.Recipient(
        Resolve.Type(1 if entry.login else 2),
        Resolve.DisplayName(entry.name),
        Resolve.EmailAddress(entry.address),
        None if span is None else _availability(tx, entry.address, *span),
        None if keys is None else keys.of(entry.address),
        picture,
    )


def _availability(tx: Transaction, address: str, begin: int, end: int) -> Element:
    """One digit for each half hour; of a stranger as much is known as of nobody (SYS-09)."""
    person = people.of_address(tx, address.lower())
    slots = -(-(end - begin) // _STEP_S)
    try:
        if person is None:
            raise NotFound(address)
        home = tree.home(tx, SpaceKind.PRIVATE, person.login)
    except NotFound:
        return Resolve.Availability(Resolve.Status(_OK), Resolve.MergedFreeBusy(_UNKNOWN * slots))
    calendars = [one for one in home if one.tool is Tool.CALENDAR]
    if not calendars:
        return Resolve.Availability(Resolve.Status(_NOT_ALLOWED))
    zone = ZoneInfo(preferences.zone_of(tx, person.id))
    digits = [_FREE] * slots
    for start, over, kind in busy_times.of(tx, calendars, begin, end, zone):
        digit = _KINDS.get(kind, _BUSY)
        first, last = max(start - begin, 0) // _STEP_S, -(-(min(over, end) - begin) // _STEP_S)
        for at in range(first, min(last, slots)):
            digits[at] = max(digits[at], digit)
    return Resolve.Availability(Resolve.Status(_OK), Resolve.MergedFreeBusy("".join(digits)))
