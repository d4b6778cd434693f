"""Documents of the right form with anything in them: an answer, and never a failure of ours ([MS-ASCMD] §2.2.2)."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import (
    AirSync,
    AirSyncBase,
    Calendar,
    ComposeMail,
    DocumentLibrary,
    ItemOperations,
    ResolveRecipients,
    Search,
    Tasks,
    ValidateCert,
)
from servers.activesync.wbxml.tokens import Token
from tests.activesync.phone import Phone
from tests.activesync.test_meetings import calendar_of

pytestmark = pytest.mark.slow

VALUES = (
    "", "0", "1", "2", "3", "99999999999999999999", "-1", "0-0", "5-2", "0-99999999999", "\ud7ff\U0010ffff", "a" * 9_000,
    "\\\\", "\\\\x\\docs", "https://", "http://[", "https://h/docs/alice/private/%00", "https://h/docs/%FF/..;/x",
    "file://h/docs/alice", "\\\\h\\docs\\alice\\private\\" + "x\\" * 200, "2026-02-30T25:61:61.000Z", "20260706T080000Z",
    "alice@example.test", "<>@", "c1:0", "t1:zz", "1:1", "Mailbox", "DocumentLibrary", "GAL", "MIIB", "nan", "1e400", "inf",
    b"\xff\xfe\x00", b"\x30\x82\x01\x00", b"From: x\r\n\r\n", b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:",
)  # fmt: skip
PAGES: dict[str, tuple[Token, tuple[type, ...]]] = {
    "ItemOperations": (ItemOperations.ItemOperations, (ItemOperations, DocumentLibrary, AirSync, AirSyncBase)),
    "Search": (Search.Search, (Search, DocumentLibrary, AirSync)),
    "ValidateCert": (ValidateCert.ValidateCert, (ValidateCert,)),
    "ResolveRecipients": (ResolveRecipients.ResolveRecipients, (ResolveRecipients,)),
    "SmartForward": (ComposeMail.SmartForward, (ComposeMail, AirSyncBase)),
    "SmartReply": (ComposeMail.SmartReply, (ComposeMail, AirSyncBase)),
}


def tokens(pages: tuple[type, ...], version: int) -> list[Token]:
    every = [one for page in pages for one in vars(page).values() if isinstance(one, Token)]
    return [one for one in every if one.known_to(version)]


def grown(chance: random.Random, tags: list[Token], depth: int) -> Element:
    tag = chance.choice(tags)
    if depth == 0 or chance.random() < 0.4:
        return Element(tag, chance.choice(VALUES))
    return Element(tag, "", [grown(chance, tags, depth - 1) for _ in range(chance.randint(0, 4))])


def likely(chance: random.Random, command: str) -> list[Element]:
    """A document that gets past the first look."""

    def any_of(tag: Token) -> Element:
        return Element(tag, chance.choice(VALUES))

    if command == "ItemOperations":
        options = ItemOperations.Options(any_of(ItemOperations.Range), any_of(ItemOperations.UserName))
        fetch = [ItemOperations.Store("DocumentLibrary"), any_of(DocumentLibrary.LinkId)]
        return [ItemOperations.Fetch(*fetch, options if chance.random() < 0.3 else None)]
    if command == "Search":
        query = Search.Query(Search.EqualTo(any_of(DocumentLibrary.LinkId), any_of(Search.Value)))
        span = Search.Options(any_of(Search.Range)) if chance.random() < 0.3 else None
        return [Search.Store(Search.Name("DocumentLibrary"), query, span)]
    if command == "ValidateCert":
        chain = ValidateCert.CertificateChain(any_of(ValidateCert.Certificate))
        return [ValidateCert.Certificates(any_of(ValidateCert.Certificate)), chain, any_of(ValidateCert.CheckCRL)]
    if command == "ResolveRecipients":
        named = (ResolveRecipients.CertificateRetrieval, ResolveRecipients.MaxCertificates)
        return [any_of(ResolveRecipients.To), ResolveRecipients.Options(*(any_of(one) for one in named))]
    instance = any_of(ComposeMail.InstanceId) if chance.random() < 0.5 else None
    source = ComposeMail.Source(any_of(ComposeMail.FolderId), any_of(ComposeMail.ItemId), instance)
    forwardee = ComposeMail.Forwardee(any_of(ComposeMail.Email), any_of(ComposeMail.Name))
    body = AirSyncBase.Body(any_of(AirSyncBase.Type), any_of(AirSyncBase.Data))
    rest = [any_of(ComposeMail.Mime)] if chance.random() < 0.5 else [ComposeMail.Forwardees(forwardee), body]
    return [ComposeMail.ClientId(str(chance.random())), source, *rest]


@pytest.mark.parametrize("command", PAGES)
def test_anything_is_answered(connect: Callable[..., Phone], command: str) -> None:
    phone, chance = connect(version="16.1"), random.Random(command)
    root, pages = PAGES[command]
    tags = tokens(pages, 161)
    for number in range(150):
        inside = (
            likely(chance, command) if number % 2 else [grown(chance, tags, 4) for _ in range(chance.randint(0, 4))]
        )
        multipart = {"MS-ASAcceptMultiPart": "T"} if chance.random() < 0.5 else {}
        answer = phone.post(command, Element(root, "", inside), **multipart)
        assert answer.status in (200, 400), (number, inside)


@pytest.mark.parametrize("kind", [7, 8])
def test_any_value_in_an_item_is_answered(connect: Callable[..., Phone], kind: int) -> None:
    """Places of events, and tasks that are ticked off."""
    phone, chance = connect(version="16.1"), random.Random(kind)
    calendar_of(phone)
    folder = next(number for number, (_, found) in phone.folders.items() if found == kind)
    phone.sync(folder)
    places = (
        AirSyncBase.DisplayName,
        AirSyncBase.Street,
        AirSyncBase.Latitude,
        AirSyncBase.Longitude,
        AirSyncBase.City,
    )
    for number in range(150):
        if kind == 8:
            place = AirSyncBase.Location(*(Element(one, chance.choice(VALUES)) for one in places))
            data = [
                Calendar.Subject("s"),
                Calendar.StartTime("20260706T080000Z"),
                Calendar.EndTime("20260706T090000Z"),
                place,
            ]
        else:
            rule = Tasks.Recurrence(
                Tasks.Type(chance.randint(0, 6)), Tasks.Start("2026-07-06T00:00:00.000Z"), Tasks.Regenerate(1),
                *(Element(one, chance.choice(VALUES)) for one in (Tasks.Interval, Tasks.Until, Tasks.DayOfWeek)),
            )  # fmt: skip
            data = [Tasks.Subject("s"), rule]
        command = AirSync.Add(AirSync.ClientId(f"n{number}"), AirSync.ApplicationData(*data))
        answer = phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(folder, command))))
        if answer.status != 400:
            assert answer.status == 200, (number, data)
            phone.take(answer, {f"n{number}": command})
    for number in list(phone.items[folder])[:50] if kind == 7 else ():
        done = AirSync.ApplicationData(Tasks.Complete(1), Tasks.DateCompleted("2026-07-06T10:00:00.000Z"))
        change = AirSync.Change(AirSync.ServerId(number), done)
        assert phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(folder, change)))).status == 200
