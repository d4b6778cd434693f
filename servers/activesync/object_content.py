"""Calendars, address books, tasks and notes as folders of a device.

The device is told the items in the order of their change numbers: first all that there are (the walk), then what
changed since. In the store an item has a name; on the wire its number is made of that, so that what vanished can be
told by the name that the log still has. What the device holds is kept with the item's ETag and name.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from servers.activesync import object_changes
from servers.activesync import options as wanted_of
from servers.activesync.call import Call
from servers.activesync.classes.item_class import Context, ItemClass
from servers.activesync.content import Content, Impossible, Lost, Told
from servers.activesync.object_changes import folder_of, number_of
from servers.activesync.options import PLAIN, Options, Preference
from servers.activesync.wanted import Wanted
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync
from storage import changes, items, moving, preferences
from storage import collections as tree
from storage.activesync import calendar_window, keys
from storage.activesync.devices import Device
from storage.activesync.keys import Opened
from storage.errors import LogTruncated, NotFound
from storage.mail import sending
from storage.store import Transaction
from storage.types import Collection, Item, ModSeq

log = logging.getLogger(__name__)

PAGE: Final = 50
ANSWER_OCTETS: Final = 2 * 1024 * 1024
_DAY_S: Final = 86_400


@dataclass(slots=True)
class _News:
    """A page of what is to be told."""

    added: dict[str, str] = field(default_factory=dict)
    """Name to ETag."""
    changed: dict[str, str] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    faded: list[int] = field(default_factory=list)
    more: bool = False
    """There is a further page."""

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.deleted) + len(self.faded)


class ObjectContent:
    """The items of one collection, all of one class."""

    def __init__(self, collection: Collection, item_class: ItemClass) -> None:
        self.name: str = item_class.name
        self.source: Collection = collection
        self.item_class: Final = item_class
        self.collection = collection.id

    def begin(self, element: Element, options: Options) -> dict[str, Any]:
        said = element.find(AirSync.Supported)
        managed = None if said is None else sorted(repr(one.tag) for one in said.known)
        walk = {"base": self.source.modseq, "walk": 0, "bound": 0}
        return {**walk, "since": 0, "day": 0, "managed": managed, "again": []}

    def count(
        self, tx: Transaction, device: Device, folder: str, state: dict[str, Any], options: Options, most: int
    ) -> int:
        trial = {**state, "again": list(state["again"])}
        self._refilter(trial, wanted_of.load(state.get("options")), options)
        found = len(trial["again"])
        while found < most:
            page = self._page(tx, device, folder, trial, options, min(max(most - found, PAGE), 500))
            found += len(page)
            if not page.more:
                break
        return found

    def settled(
        self, tx: Transaction, device: Device, folder: str, state: dict[str, Any], options: Options
    ) -> dict[str, Any] | None:
        trial = {**state, "again": list(state["again"])}
        while not trial["again"]:
            page = self._page(tx, device, folder, trial, options, 500)
            if page:
                return None
            if not page.more:
                return trial
        return None

    def work(self, tx: Transaction, call: Call, wanted: Wanted, opened: Opened) -> Told:
        state = opened.state
        before = wanted_of.load(state.get("options"))
        options = wanted_of.read(wanted.element, before)
        self._refilter(state, before, options)
        state["options"] = options.dump()
        state.pop("own", None)
        context = self.context(tx, call, state, options)
        done = object_changes.apply(tx, opened, self.source, self.item_class, wanted, context)
        if done.own:
            state["own"] = done.own
        if done.held:
            keys.hold(tx, opened, done.held)
            self.source = tree.by_id(tx, self.source.id)
        state["again"] = [*state["again"], *done.again]
        told = Told(responses=done.responses)
        if wanted.changes:
            self._tell(tx, opened, wanted, context, told)
        return told

    def show(self, tx: Transaction, call: Call, server_id: str, options: Options) -> list[Element] | None:
        name = object_changes.name_of(tx, call.device, self.source, self.item_class, server_id)
        name = name or self._found(tx, server_id)
        if name is None:
            return None
        try:
            item = items.get(tx, self.source, name)
        except NotFound:
            return None
        return self._shown(item, self.context(tx, call, {}, options))

    def shown(self, tx: Transaction, call: Call, item: Item, options: Options) -> list[Element]:
        """The ApplicationData of an item that a search found; nothing where it cannot be shown."""
        return self._shown(item, self.context(tx, call, {}, options)) or []

    def _found(self, tx: Transaction, server_id: str) -> str | None:
        """The name of an item that the device does not hold: a search told of it."""
        names = (name for name, _ in items.brief(tx, self.source))
        return next((one for one in names if self._server_id(one) == server_id), None)

    def _server_id(self, name: str) -> str:
        return object_changes.server_id(self.source, self.item_class, name)

    def file(self, tx: Transaction, call: Call, server_id: str, place: str) -> tuple[bytes, str] | None:
        """Octets and media type of an attachment; None if there is none."""
        name = object_changes.name_of(tx, call.device, self.source, self.item_class, server_id)
        if name is None or self.item_class.file is None:
            return None
        try:
            item = items.get(tx, self.source, name)
        except NotFound:
            return None
        return None if item.body is None else self.item_class.file(item.body, place)

    def holds(self, tx: Transaction, call: Call, server_id: str) -> bool:
        return object_changes.name_of(tx, call.device, self.source, self.item_class, server_id) is not None

    def move(self, tx: Transaction, call: Call, server_id: str, target: Content) -> str | None:
        name = object_changes.name_of(tx, call.device, self.source, self.item_class, server_id)
        if name is None:
            return None
        if not isinstance(target, ObjectContent) or target.item_class is not self.item_class:
            raise Impossible
        try:
            written = moving.move(tx, self.source, name, target.source, name, overwrite=False)
        except NotFound:
            return None
        here, there = folder_of(self.source, self.item_class), folder_of(target.source, self.item_class)
        keys.moved(tx, call.device, (here, number_of(name)), (there, number_of(name)), f"{written.etag} {name}")
        return object_changes.server_id(target.source, self.item_class, name)

    def context(self, tx: Transaction, call: Call, state: dict[str, Any], options: Options) -> Context:
        """What items are shown and changed by, of the account that asks."""
        managed = state.get("managed")
        if not options.bodies:  # notes of a contact or an event are short, and old devices ask for none
            options = replace(options, bodies=(Preference(PLAIN, None, False, 0),))
        return Context(
            options,
            call.version,
            ZoneInfo(preferences.zone_of(tx, tx.actor.id)),
            tx.now,
            tuple(one.lower() for one in sending.addresses(tx, call.actor, call.settings.site.domains)),
            None if managed is None else frozenset(managed),
        )

    def _tell(self, tx: Transaction, opened: Opened, wanted: Wanted, context: Context, told: Told) -> None:
        """Page by page, until the window or the answer is full."""
        state, room, octets = opened.state, wanted.window, 0
        again, state["again"] = state["again"][:room], state["again"][room:]
        octets += self._again(tx, opened, again, context, told)
        room -= len(again)
        while room > 0 and octets < ANSWER_OCTETS:
            page = self._page(tx, opened.device, opened.folder, state, context.options, min(room, PAGE))
            octets += self._render(tx, opened, page, context, told)
            room -= len(page)
            told.more = page.more
            if not page.more:
                break
        else:
            told.more = bool(self.count(tx, opened.device, opened.folder, state, context.options, 1))
        told.more = told.more or bool(state["again"])

    def _refilter(self, state: dict[str, Any], before: Options, options: Options) -> None:
        """Another window: a longer one is walked anew."""
        if options.filter == before.filter:
            return
        if before.days and (not options.days or options.days > before.days):
            state["walk"] = state["bound"] = 0
        if before.incomplete and self.item_class.finishes:
            state["walk"] = state["bound"] = 0
        state["day"] = 0

    def _page(
        self, tx: Transaction, device: Device, folder: str, state: dict[str, Any], options: Options, most: int
    ) -> _News:
        """The next things to tell, at most about `most`; `state` is moved past them."""
        news = _News()
        since = self._cutoff(tx, options, state)
        walking = state["walk"] is not None
        try:
            if walking:
                found = changes.since(tx, self.source, ModSeq(state["walk"]), bound=ModSeq(state["bound"]), limit=most)
            elif state["base"] != self.source.modseq:
                found = changes.since(tx, self.source, ModSeq(state["base"]), limit=most)
            else:
                found = None
        except LogTruncated:
            raise Lost from None
        if found is not None:
            etags = {row.name: row.etag for row in found.items}
            gone = [] if walking else [number_of(name) for name in found.removed]
            self._compare(tx, device, folder, etags, gone, (since, self._incomplete(options)), news)
            if walking:
                state["walk"], state["bound"] = (found.modseq, found.bound) if found.truncated else (None, 0)
                news.more = found.truncated or state["base"] != self.source.modseq
            else:
                state["base"] = found.modseq
                news.more = found.truncated
        if news.more:
            return news
        if self.item_class.windowed and since > state["since"]:
            known = keys.held_of(tx, device, folder)
            aged = calendar_window.ended_between(tx, self.source, state["since"], since) if known else []
            news.faded += [number for name in aged if (number := number_of(name)) in known]
        incomplete = self._incomplete(options)
        if incomplete and not state.get("incomplete"):
            known = keys.held_of(tx, device, folder)
            names = {number: held.partition(" ")[2] for number, held in known.items() if held}
            done = calendar_window.completed(tx, self.source, list(names.values())) if names else frozenset()
            news.faded += [number for number, name in names.items() if name in done and number not in news.faded]
        state["incomplete"] = incomplete
        state["since"], state["day"] = since, int(tx.now) // _DAY_S
        return news

    def _incomplete(self, options: Options) -> bool:
        return self.item_class.finishes and options.incomplete

    def _compare(
        self, tx: Transaction, device: Device, folder: str, etags: dict[str, str], gone: list[int],
        window: tuple[int, bool], news: _News,
    ) -> None:  # fmt: skip
        since, incomplete = window
        numbers = {name: number_of(name) for name in etags}
        held = keys.held_of(tx, device, folder, [*numbers.values(), *gone])
        past = calendar_window.ended_before(tx, self.source, list(etags), since) if since else frozenset()
        if incomplete:
            past |= calendar_window.completed(tx, self.source, list(etags))
        for name, etag in etags.items():
            known = held.get(numbers[name])
            if known is None and name not in past:
                news.added[name] = etag
            elif known is not None and known.partition(" ")[0] != etag:
                if name in past:
                    news.faded.append(numbers[name])
                else:
                    news.changed[name] = etag
        news.deleted += [number for number in gone if number in held]

    def _render(self, tx: Transaction, opened: Opened, page: _News, context: Context, told: Told) -> int:
        """Put a page into the answer; the octets of what it holds."""
        here = folder_of(self.source, self.item_class)
        hold: dict[int, str | None] = dict.fromkeys((*page.deleted, *page.faded))
        told.commands += [AirSync.Delete(AirSync.ServerId(f"{here}:{number:x}")) for number in page.deleted]
        told.commands += [AirSync.SoftDelete(AirSync.ServerId(f"{here}:{number:x}")) for number in page.faded]
        names = [*page.changed, *page.added]
        found = items.many(tx, self.source, names) if names else {}
        octets = 0
        for name in names:
            item = found.get(name)
            if item is None:  # another process removed it just now: that is told next time, to whom it was shown
                continue
            shown = self._shown(item, context)
            hold[number_of(name)] = f"{page.changed.get(name) or page.added[name]} {name}"
            if shown is None:
                continue
            tag = AirSync.Change if name in page.changed else AirSync.Add
            data = AirSync.ApplicationData(*shown)
            octets += data.extent
            told.commands.append(tag(AirSync.ServerId(f"{here}:{number_of(name):x}"), data))
        keys.hold(tx, opened, hold)
        return octets

    def _again(self, tx: Transaction, opened: Opened, names: list[str], context: Context, told: Told) -> int:
        """Items that the device was refused to change: it gets them as they are (EAS-13)."""
        if not names:
            return 0
        held = keys.held_of(tx, opened.device, opened.folder, [number_of(name) for name in names])
        found = items.many(tx, self.source, names, body=False)
        page = _News()
        for name in dict.fromkeys(names):
            if name in found:
                (page.changed if number_of(name) in held else page.added)[name] = found[name].etag
            elif number_of(name) in held:
                page.deleted.append(number_of(name))
        return self._render(tx, opened, page, context, told)

    def _shown(self, item: Item, context: Context) -> list[Element] | None:
        if item.body is None:
            return None
        if context.version >= 160:
            context = replace(context, identified=self._server_id(item.name))
        try:
            return self.item_class.show(item.body, context) or None
        except Exception:  # one item that we fail at must not keep the whole folder from a device
            log.exception("not shown", extra={"collection": item.collection_id, "item": item.id})
            return None

    def _cutoff(self, tx: Transaction, options: Options, state: dict[str, Any]) -> int:
        """Seconds since the epoch: what ended before is not shown; it moves once a day."""
        if not self.item_class.windowed or not options.days:
            return 0
        if state["day"] == int(tx.now) // _DAY_S:
            return int(state["since"])
        return (int(tx.now) // _DAY_S - options.days) * _DAY_S

