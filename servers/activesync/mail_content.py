"""Mailboxes as folders of a device (class Email)."""

from __future__ import annotations

from typing import Any, Final

from servers.activesync import hierarchy, mail_changes, mail_items, mail_sync
from servers.activesync import options as wanted_of
from servers.activesync.call import Call
from servers.activesync.classes import mail
from servers.activesync.content import Content, Impossible, Told
from servers.activesync.options import Options
from servers.activesync.wanted import Wanted
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync
from storage.activesync import keys
from storage.activesync.devices import Device
from storage.activesync.keys import Opened
from storage.mail import flagging, follow_ups, moving
from storage.mail.types import Mailbox, State
from storage.store import Transaction

ANSWER_OCTETS: Final = 2 * 1024 * 1024
PAGE: Final = 50
PAGE_OCTETS: Final = 4 * 1024 * 1024


class MailContent:
    """The mails of one mailbox."""

    name: str = "Email"

    def __init__(self, box: Mailbox) -> None:
        self.box: Mailbox = box
        self.collection = box.id

    def begin(self, element: Element, options: Options) -> dict[str, Any]:
        return mail_sync.begin(self.box)

    def count(
        self, tx: Transaction, device: Device, folder: str, state: dict[str, Any], options: Options, most: int
    ) -> int:
        trial = dict(state)
        _refilter(trial, self.box, wanted_of.load(state.get("options")), options)
        news = mail_sync.look(tx, device, folder, self.box, trial, options, most)
        return len(news.added) + len(news.changed) + len(news.deleted) + len(news.faded)

    def settled(
        self, tx: Transaction, device: Device, folder: str, state: dict[str, Any], options: Options
    ) -> dict[str, Any] | None:
        news = mail_sync.look(tx, device, folder, self.box, state, options, 1)
        if news or news.more:
            return None
        after = dict(state)
        mail_sync.take(after, news, options, tx.now)
        return after

    def work(self, tx: Transaction, call: Call, wanted: Wanted, opened: Opened) -> Told:
        state = opened.state
        before = wanted_of.load(state.get("options"))
        options = wanted_of.read(wanted.element, before)
        _refilter(state, self.box, before, options)
        state["options"] = options.dump()
        done = mail_changes.apply(tx, call, opened, self.box, wanted, options)
        keys.hold(tx, opened, done.held)
        if wanted.commands:
            self.box = hierarchy.mailbox(tx, wanted.folder)
        told = Told(responses=done.responses)
        if wanted.changes:
            news = mail_sync.look(tx, call.device, wanted.folder, self.box, state, options, wanted.window)
            told.commands, news = _commands(tx, self.box, news, state["base"], options, call.version)
            told.commands += _again(tx, self.box, done.refused, news, call.version)
            keys.hold(tx, opened, mail_sync.held_after(tx, self.box, news))
            mail_sync.take(state, news, options, tx.now)
            told.more = news.more
        return told

    def show(self, tx: Transaction, call: Call, server_id: str, options: Options) -> list[Element] | None:
        uid = mail_items.uid_of(self.box, server_id)
        states = [] if uid is None else flagging.states_in(tx, self.box, [(uid, uid)])
        shown = mail.whole(tx, self.box, states, options, call.version) if states else {}
        return shown.get(states[0].uid) if shown else None

    def holds(self, tx: Transaction, call: Call, server_id: str) -> bool:
        uid = mail_items.uid_of(self.box, server_id)
        return uid is not None and bool(flagging.states_in(tx, self.box, [(uid, uid)]))

    def move(self, tx: Transaction, call: Call, server_id: str, target: Content) -> str | None:
        uid = mail_items.uid_of(self.box, server_id)
        if uid is None or not flagging.states_in(tx, self.box, [(uid, uid)]):
            return None
        if not isinstance(target, MailContent):
            raise Impossible
        moved = moving.move(tx, self.box, [uid], target.box)
        if not moved:  # another program was quicker
            return None
        placed = moved[0][1]
        source_folder, target_folder = str(self.box.id), str(target.box.id)
        # It holds what it held; what others changed of the mail before it is told in the new place.
        version = keys.held_of(tx, call.device, source_folder, [uid]).get(uid, "")
        keys.moved(tx, call.device, (source_folder, uid), (target_folder, placed), version)
        return mail_items.server_id(target.box, placed)


def _refilter(state: dict[str, Any], box: Mailbox, before: Options, options: Options) -> None:
    """Another window: a longer one is walked anew, a shorter one lets the older ones fade."""
    if options.filter == before.filter:
        return
    longer = options.days == 0 or (before.days and options.days > before.days)
    if longer and before.days:
        state["below"] = box.uid_next
    state["day"] = 0


def _commands(
    tx: Transaction, box: Mailbox, news: mail_sync.News, base: int, options: Options, protocol: int
) -> tuple[list[Element], mail_sync.News]:
    """The commands that tell the news; fewer additions if they would be very long, with all told up to `base`."""
    told = [AirSync.Delete(AirSync.ServerId(mail_items.server_id(box, uid))) for uid in news.deleted]
    told += [AirSync.SoftDelete(AirSync.ServerId(mail_items.server_id(box, uid))) for uid in news.faded]
    for one in news.changed:
        data = mail.changed(one, news.details.get(one.uid), protocol, news.before[one.uid])
        told.append(AirSync.Change(AirSync.ServerId(mail_items.server_id(box, one.uid)), data))
    octets = at = 0
    shown_ones: list[State] = []
    while at < len(news.added):
        page = _page(news.added, at)
        at += len(page)
        shown = mail.whole(tx, box, page, options, protocol)
        for one in page:
            if one.uid in shown:  # another process may have removed it just now
                shown_ones.append(one)
                data = AirSync.ApplicationData(*shown[one.uid])
                told.append(AirSync.Add(AirSync.ServerId(mail_items.server_id(box, one.uid)), data))
                octets += data.extent
        if octets > ANSWER_OCTETS and at < len(news.added):
            if at < news.walked:
                news.below = page[-1].uid  # the walk goes on from here
            news.more, news.base = True, base
            break
    news.added = shown_ones
    return told, news


def _again(
    tx: Transaction, box: Mailbox, refused: set[int], news: mail_sync.News, protocol: int
) -> list[Element]:
    """What the device has of these otherwise than the desk, where the news do not tell it (EAS-13).

    As they are now: a later command of the same request may have changed or deleted them.
    """
    told = {one.uid for one in (*news.changed, *news.added)}
    left = [one for one in flagging.states_in(tx, box, flagging.runs(refused - told)) if mail.is_shown(one)]
    details = follow_ups.of(tx, box.id, (one.uid for one in left))
    found: list[Element] = []
    for one in left:
        data = mail.changed(one, details.get(one.uid), protocol, "")
        found.append(AirSync.Change(AirSync.ServerId(mail_items.server_id(box, one.uid)), data))
    return found


def _page(added: list[State], at: int) -> list[State]:
    """The next few mails: as many as may stand in memory together."""
    page = [added[at]]
    octets = added[at].octets
    for one in added[at + 1 : at + PAGE]:
        octets += one.octets
        if octets > PAGE_OCTETS:
            break
        page.append(one)
    return page
