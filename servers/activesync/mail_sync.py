"""What of a mailbox a device has to hear: additions from the newest down, then what changed ([MS-ASCMD] §3.1.5.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from servers.activesync.classes import mail
from servers.activesync.content import Lost
from servers.activesync.options import Options
from storage.activesync import keys, mail_walk
from storage.activesync.devices import Device
from storage.mail import follow_ups, reading
from storage.mail.follow_ups import FollowUp
from storage.mail.types import Mailbox, State
from storage.store import Transaction

_DAY_S: Final = 86_400


@dataclass(slots=True)
class News:
    """What is to be told, not more than asked for."""

    added: list[State] = field(default_factory=list)
    changed: list[State] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    """Uids that are no more, or not to be shown."""
    faded: list[int] = field(default_factory=list)
    """Uids that are too old now (SoftDelete)."""
    more: bool = False
    base: int = 0
    """The change number up to which all is told when this is."""
    before: dict[int, str] = field(default_factory=dict)
    """Of `changed`, by uid, what the device holds (`mail.version`)."""
    details: dict[int, FollowUp] = field(default_factory=dict)
    """Of `changed`, by uid, what is said of the flag, where anything is."""
    walked: int = 0
    """How many of `added` come from the walk; they stand first."""
    below: int | None = None
    """Where the walk from the newest down goes on; None when it is done."""

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.deleted or self.faded)


def begin(mailbox: Mailbox) -> dict[str, Any]:
    """The state of a mailbox of which the device holds nothing."""
    return {"base": mailbox.modseq, "below": mailbox.uid_next, "since": 0, "day": 0}


def look(
    tx: Transaction, device: Device, folder: str, mailbox: Mailbox, state: dict[str, Any], options: Options, most: int
) -> News:
    """The next `most` things to tell.

    Raises:
        Lost: as named.
    """
    news = News(base=state["base"], below=state["below"])
    if state["below"] is not None:
        _walk(tx, device, folder, mailbox, state, options, most, news)
        news.walked = len(news.added)
        if news.more:
            return news
    old = _fading(tx, device, folder, mailbox, state, options)
    if mailbox.modseq == state["base"] and not old:
        return news
    found = reading.changes(tx, mailbox.id, state["base"])
    if not found.complete:
        raise Lost
    known = keys.held_of(tx, device, folder, [*found.vanished, *(one.uid for one in found.states)])
    details = follow_ups.of(tx, mailbox.id, (one.uid for one in (*news.added, *found.states)))
    known |= {one.uid: mail.version(one, details.get(one.uid)) or "" for one in news.added}
    since = cutoff(tx, options, state)
    room = most - len(news.added)
    for uid in found.vanished:
        if uid in known:
            if not room:
                break
            news.deleted.append(uid)
            room -= 1
    for one in found.states:
        version = mail.version(one, details.get(one.uid))
        if known.get(one.uid) == version or (one.uid not in known and (version is None or one.internal < since)):
            continue
        if not room:
            news.more = True
            break
        room -= 1
        if version is None:
            news.deleted.append(one.uid)
        elif one.uid in known:
            news.changed.append(one)
            news.before[one.uid] = known[one.uid]
            if one.uid in details:
                news.details[one.uid] = details[one.uid]
        else:
            news.added.append(one)
    news.more = news.more or len(news.deleted) < sum(uid in known for uid in found.vanished)
    for uid in old:
        if not room:
            news.more = True
            break
        news.faded.append(uid)
        room -= 1
    if not news.more:
        news.base = found.modseq
    return news


def take(state: dict[str, Any], news: News, options: Options, now: float) -> None:
    """The state when the device has that."""
    state["base"], state["below"] = news.base, news.below
    if not news.more:
        state["since"] = _since(options, now)
        state["day"] = int(now) // _DAY_S


def held_after(tx: Transaction, mailbox: Mailbox, news: News) -> dict[int, str | None]:
    """What the device holds then, for `keys.hold`."""
    found: dict[int, str | None] = dict.fromkeys((*news.deleted, *news.faded))
    told = (*news.added, *news.changed)
    details = follow_ups.of(tx, mailbox.id, (one.uid for one in told))
    found.update({one.uid: mail.version(one, details.get(one.uid)) for one in told})
    return found


def cutoff(tx: Transaction, options: Options, state: dict[str, Any]) -> int:
    """INTERNALDATE in seconds from which on mails are shown; it moves once a day."""
    return int(state["since"]) if state["day"] == int(tx.now) // _DAY_S else _since(options, tx.now)


def _since(options: Options, now: float) -> int:
    return (int(now) // _DAY_S - options.days) * _DAY_S if options.days else 0


def _walk(
    tx: Transaction, device: Device, folder: str, mailbox: Mailbox, state: dict[str, Any], options: Options, most: int,
    news: News,
) -> None:  # fmt: skip
    since = _since(options, tx.now)
    below = int(state["below"])
    while len(news.added) < most:
        page = mail_walk.below(tx, mailbox, below, since, most - len(news.added))
        if not page:
            news.below = None
            return
        below = page[-1].uid
        known = keys.held_of(tx, device, folder, [one.uid for one in page])
        news.added += [one for one in page if mail.is_shown(one) and one.uid not in known]
    news.below = below
    news.more = bool(mail_walk.below(tx, mailbox, below, since, 1))
    if not news.more:
        news.below = None


def _fading(
    tx: Transaction, device: Device, folder: str, mailbox: Mailbox, state: dict[str, Any], options: Options
) -> list[int]:
    """Uids that the device holds and that are too old since the window moved, looked for once a day."""
    since = cutoff(tx, options, state)
    if since <= state["since"]:
        return []  # the window did not move
    held = keys.held_of(tx, device, folder)
    if not held:
        return []
    aged = mail_walk.between(tx, mailbox, 0, since)
    return [uid for uid in aged if uid in held]
