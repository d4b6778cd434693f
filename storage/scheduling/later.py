"""What large meetings and old calendars set in motion after their owner has his answer: by `jobs`, in order, each once.

A task is a row of the transaction that made it necessary, and goes in the transaction that does it. One that fails by a
mistake of ours is kept, stands in nobody's way, and is tried again when the process starts anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from storage import many
from storage.errors import StorageError
from storage.formats import icalendar, itip
from storage.formats.contentline import parse, render
from storage.scheduling import copies, inbox, people
from storage.scheduling.people import Person
from storage.scheduling.tables import tasks
from storage.scheduling.views import View
from storage.statements import Statement, insert
from storage.store import Store, Transaction, attempt, is_passing
from storage.types import SITE, Actor, CollectionId, PrincipalId, Tool

log = logging.getLogger(__name__)

TOGETHER: Final = 100
"""Recipients of one mail, and copies written in one transaction."""
_PUT: Final = insert(tasks, "kind", "uid", "detail", "message")
_WAITS: Final = Statement(
    sa.select(tasks.c.id).where(tasks.c.uid == sa.bindparam("uid"), tasks.c.kind == "copies").limit(1)
)
_FAILED: Final = "failed:"
"""Before the kind of a task that is put aside."""
_due: Final = ~tasks.c.kind.startswith(_FAILED)
_FIRST: Final = sa.select(tasks).where(_due).order_by(tasks.c.id).limit(1)


def tell(tx: Transaction, uid: str, inboxes: Sequence[CollectionId], message: bytes) -> None:
    """Leave a message in many inboxes (RFC 6638 §2.2): the calendars have it already."""
    _put(tx, "inbox", uid, {"inboxes": list(inboxes)}, message)


def mail(
    tx: Transaction, sender: str, recipients: Sequence[str], method: str, view: View, *, called_off: bool = True
) -> None:
    """Mail one form of a meeting to many people outside; it is counted already (SMTP-05)."""
    for start in range(0, len(recipients), TOGETHER):
        some = list(recipients[start : start + TOGETHER])
        detail: dict[str, Any] = {"sender": sender, "recipients": some, "method": method}
        detail |= {"account": tx.actor.id, "login": tx.actor.login, "called_off": called_off}
        _put(tx, "mail", view.uid, detail, render(view.calendar))


def rewrite(tx: Transaction, sender: str, addresses: Sequence[str], view: View) -> None:
    """Bring a change to people here who have something of their own in their copies."""
    for start in range(0, len(addresses), TOGETHER):
        detail = {"sender": sender, "addresses": list(addresses[start : start + TOGETHER])}
        _put(tx, "copies", view.uid, detail, render(view.calendar))


def remove(tx: Transaction, owner: Person, meetings: Sequence[tuple[str, bytes]], *, reply: bool) -> None:
    """Call off, or refuse, what is over and went with its calendar: UID and body of each (RFC 6638 §3.2.3.2)."""
    for uid, body in meetings:
        _put(tx, "removal", uid, {"account": owner.id, "login": owner.login, "reply": reply}, body)


def waits(tx: Transaction, uid: str) -> bool:
    """Whether copies of this meeting wait to be rewritten: what comes after must wait too."""
    return _WAITS.first(tx, {"uid": uid}) is not None


def waiting(store: Store) -> bool:
    """Whether anything does."""
    with store.read(SITE) as tx:
        return tx.db.execute(sa.select(tasks.c.id).where(_due).limit(1)).first() is not None


def run(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Do all that waits, the oldest first; gives how many tasks that was."""
    done = 0
    while not stopped():
        with store.write(SITE) as tx:
            # Another process that works here waits, so that the order is kept.
            row = tx.db.execute(_FIRST.with_for_update()).first()
            if row is None:
                return done
            this = tasks.c.id == row.id
            try:
                with attempt(tx):
                    _KINDS[row.kind](tx, json.loads(row.detail), row.message)
            except Exception as error:
                if is_passing(error):
                    raise
                log.exception("meeting task put aside", extra={"task": row.id, "kind": row.kind})
                tx.db.execute(sa.update(tasks).where(this).values(kind=_FAILED + row.kind))
            else:
                tx.db.execute(sa.delete(tasks).where(this))
        done += 1
    return done


def revive(store: Store) -> int:
    """Let those that were put aside be tried again; gives how many there are."""
    whole = sa.func.substr(tasks.c.kind, len(_FAILED) + 1)
    with store.write(SITE) as tx:
        return int(tx.db.execute(sa.update(tasks).where(~_due).values(kind=whole)).rowcount)


def _put(tx: Transaction, kind: str, uid: str, detail: dict[str, Any], message: bytes) -> None:
    _PUT.run(tx, {"kind": kind, "uid": uid, "detail": json.dumps(detail), "message": message})


def _inbox(tx: Transaction, detail: dict[str, Any], message: bytes) -> None:
    name, prepared = inbox.prepared(message, icalendar.one_calendar(parse(message)))
    many.create(tx, [CollectionId(one) for one in detail["inboxes"]], Tool.SCHEDULE_INBOX, name, prepared)


def _mail(tx: Transaction, detail: dict[str, Any], message: bytes) -> None:
    from storage.scheduling import mailing

    sender = replace(tx, actor=Actor(PrincipalId(detail["account"]), detail["login"]), access={})
    found, method = icalendar.one_calendar(parse(message)), detail["method"]
    octets = itip.message(found, method, called_off=detail.get("called_off", True))
    mailing.send(
        sender, sender=detail["sender"], recipients=detail["recipients"], method=method, found=found, message=octets
    )


def _copies(tx: Transaction, detail: dict[str, Any], message: bytes) -> None:
    from storage.scheduling import delivery

    view = View(icalendar.one_calendar(parse(message)))
    for address, person in people.of_addresses(tx, detail["addresses"]).items():
        try:
            if copies.find(tx, person.id, view.uid) is not None:  # who deleted it meanwhile has refused it
                delivery.request(tx, detail["sender"], address, person, view)
        except StorageError as error:
            log.info("meeting", extra={"principal": person.login, "reason": type(error).__name__})


def _removal(tx: Transaction, detail: dict[str, Any], message: bytes) -> None:
    from storage.scheduling import implicit

    owner = Person(PrincipalId(detail["account"]), detail["login"])
    theirs, old = people.acting(tx, owner), icalendar.load(message).calendar
    if copies.find(theirs, owner.id, itip.parts(old)[0].value("UID").strip()) is not None:
        return  # he has made it again meanwhile
    try:
        implicit.gone(theirs, old, people.addresses(tx, owner, old), reply=detail["reply"], notices=False)
    except StorageError as error:
        log.info("meeting", extra={"principal": owner.login, "reason": type(error).__name__})


_KINDS: Final[dict[str, Callable[[Transaction, dict[str, Any], bytes], None]]] = {
    "inbox": _inbox,
    "mail": _mail,
    "copies": _copies,
    "removal": _removal,
}
