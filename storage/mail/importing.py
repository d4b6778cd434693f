"""Mails from elsewhere into the actor's mailboxes, with what is there already passed over (MSG-70, MSG-71).

It may be stopped at any time and begun again: what came is known by its octets and its Message-ID.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from storage.errors import Busy, NotFound, OverQuota, StorageError, TooLarge
from storage.formats.mail_files import Filed
from storage.mail import appending, flags, mailboxes, names, reading
from storage.mail.tables import contents, messages
from storage.mail.types import DRAFTS, INBOX, MESSAGE_OCTETS, SENT, SPAM, TEMPLATES, TRASH, Mailbox
from storage.statements import Statement
from storage.store import Store
from storage.types import Actor

_AT_ONCE: Final = 100
_OCTETS_AT_ONCE: Final = 16 * 1024 * 1024
_TROUBLES: Final = 1_000

_PUT_AWAY: Final = "Archive"

_KNOWN: Final = Statement(
    sa.select(contents.c.hash, contents.c.message_id)
    .join(messages, messages.c.content_id == contents.c.id)
    .where(messages.c.collection_id == sa.bindparam("collection"))
)
_WORDS: Final[Mapping[str, str]] = {
    word: name
    for name, words in {
        INBOX: "inbox|posteingang|boîte de réception|bandeja de entrada|postvak in|posta in arrivo|caixa de entrada",
        SENT: "sent|sent items|sent mail|sent messages|gesendet|gesendete elemente|gesendete objekte|envoyés|"
        "éléments envoyés|messages envoyés|enviados|elementos enviados|verzonden|verzonden items|posta inviata|inviati",
        TRASH: "trash|deleted items|deleted messages|bin|papierkorb|gelöschte elemente|corbeille|éléments supprimés|"
        "papelera|elementos eliminados|prullenbak|verwijderde items|cestino|lixo|lixeira",
        DRAFTS: "drafts|draft|entwürfe|brouillons|borradores|concepten|bozze|rascunhos",
        TEMPLATES: "templates|vorlagen|modèles|plantillas|sjablonen|modelli|modelos",
        SPAM: "spam|spam?|junk|junk e-mail|junk email|junk mail|bulk mail|unerwünscht|indésirables|"
        "courrier indésirable|correo no deseado|ongewenste e-mail|posta indesiderata",
    }.items()
    for word in words.split("|")
}
"""What the system folders are called elsewhere, folded."""


@dataclass(slots=True)
class Report:
    """What became of an import."""

    added: int = 0
    present: int = 0
    """Were there already."""
    folders: int = 0
    """Mailboxes that were made."""
    failed: list[str] = field(default_factory=list)
    """Why single mails were not taken."""
    stopped: str = ""
    """Why the rest was not tried."""

    def fail(self, reason: str) -> None:
        if len(self.failed) < _TROUBLES:
            self.failed.append(reason)


Progress = Callable[[int], None]
"""Called with the number of mails looked at so far."""


def run(
    store: Store, actor: Actor, mails: Iterable[Filed], *, into: str = "", progress: Progress | None = None
) -> Report:
    """Add mails to the actor's mailboxes; `into` is the one that their folders lie in, "" the top.

    At the top, names of system folders are understood in several languages; mails without a folder go to INBOX.
    """
    report = Report()
    known: dict[str, tuple[Mailbox, set[str]]] = {}
    batch: list[tuple[str, appending.New]] = []
    octets = seen = 0
    try:
        for seen, mail in enumerate(mails, 1):
            one = _prepared(store, mail, report)
            if one is not None:
                folder = mail.folder if mail.labels is None else _labelled(mail.labels)
                batch.append((_target(folder, into), one))
                octets += one.prepared.octets
            if len(batch) >= _AT_ONCE or octets > _OCTETS_AT_ONCE:
                _add(store, actor, batch, known, report)
                batch, octets = [], 0
                if progress is not None:
                    progress(seen)
        _add(store, actor, batch, known, report)
    except OverQuota as error:
        report.stopped = str(error)
    if progress is not None:
        progress(seen)
    return report


def known(store: Store, actor: Actor, into: str = "") -> Callable[[str, str], bool]:
    """Whether a mailbox here holds a mail of a folder elsewhere, by its Message-ID: it need not be fetched."""
    held: dict[str, set[str]] = {}

    def is_known(folder: str, message_id: str) -> bool:
        name = _target(folder, into)
        if name not in held:
            with store.read(actor) as tx:
                try:
                    box = mailboxes.find(tx, name)
                except NotFound:
                    held[name] = set()
                else:
                    held[name] = {row[1] for row in _KNOWN.raw(tx, {"collection": box.id})}
        return message_id in held[name]

    return is_known


def export(store: Store, actor: Actor, mailbox: str = "", progress: Progress | None = None) -> Iterator[Filed]:
    """All mails of one mailbox, or of all with "", with flags and dates; in short transactions.

    Raises:
        NotFound: there is no such mailbox; said before anything is read.
    """
    with store.read(actor) as tx:
        boxes = [mailboxes.find(tx, mailbox)] if mailbox else mailboxes.every(tx)
    return _exported(store, actor, boxes, mailbox, progress)


def _exported(
    store: Store, actor: Actor, boxes: Sequence[Mailbox], mailbox: str, progress: Progress | None
) -> Iterator[Filed]:
    done = 0
    for box in boxes:
        with store.read(actor) as tx:
            states = reading.snapshot(tx, box.id).states
        for start in range(0, len(states), _AT_ONCE):
            page = states[start : start + _AT_ONCE]
            for state in page:
                with store.read(actor) as tx:
                    try:
                        data = reading.body(tx, state.content)
                    except StorageError:
                        continue  # removed meanwhile
                yield Filed("" if mailbox else box.name, data, tuple(state.flags.split()), state.internal)
            done += len(page)
            if progress is not None:
                progress(done)


def _prepared(store: Store, mail: Filed, report: Report) -> appending.New | None:
    if mail.trouble:
        report.fail(f"{mail.folder or 'top'}: {mail.trouble}")
        return None
    try:
        if mail.too_large:
            raise TooLarge(MESSAGE_OCTETS)
        prepared = appending.prepare(store, mail.data)
        return appending.New(prepared, _flags(mail.flags), mail.internal or prepared.scanned.sent)
    except Busy:
        raise  # of the others none would have room either
    except StorageError as error:
        report.fail(f"{mail.folder or 'top'}: {error}")
        return None


def _flags(given: Iterable[str]) -> str:
    kept: list[str] = []
    for flag in given:
        try:
            kept.append(flags.canonical([flag]))
        except flags.BadFlag:
            continue  # another server's own
    return flags.canonical([flag for flag in kept if flag][: flags.KEYWORDS_MAX])


def _labelled(labels: Sequence[str]) -> str:
    """The one folder of a mail with labels (MSG-40): a system folder, else the first of its owner's own."""
    known = {_WORDS.get(one.casefold(), ""): one for one in reversed(labels)}
    system = (known[name] for name in (SPAM, TRASH, DRAFTS, SENT, INBOX) if name in known)
    return next(system, labels[0] if labels else _PUT_AWAY)


def _target(folder: str, into: str) -> str:
    parts = [part.strip() for part in folder.split("/") if part.strip()]
    if parts and parts[0].upper() == INBOX and len(parts) > 1:  # elsewhere folders lie in INBOX; here none does
        parts = parts[1:]
    if not into and parts:
        parts[0] = _WORDS.get(parts[0].casefold(), parts[0])
    if into:
        parts = [into, *parts]
    if not parts:
        return INBOX
    # A folder below one that takes none lies beside it (MSG-38).
    name = "/".join(parts)
    try:
        names.check_place(name)
        return names.clean(name)
    except names.BadName:
        cleaned = [part.translate(str.maketrans("*%", "__")) for part in parts]
        return names.clean("/".join("".join(c for c in part if c.isprintable())[:60] or "_" for part in cleaned))
    except StorageError:
        return names.clean(" - ".join(parts))


def _add(
    store: Store,
    actor: Actor,
    batch: list[tuple[str, appending.New]],
    known: dict[str, tuple[Mailbox, set[str]]],
    report: Report,
) -> None:
    """One transaction for a batch."""
    if not batch:
        return
    added = present = folders = 0
    with store.write(actor) as tx:
        fresh: dict[str, list[appending.New]] = {}
        every = {box.id: box.name for box in mailboxes.every(tx)}
        there = set(every.values())
        for name in {name for name, _ in batch} & known.keys():
            box = known[name][0]
            if every.get(box.id) != box.name:  # its owner removed or renamed it since the batch before
                del known[name]
        for name, one in batch:
            if name not in known:
                if name not in there:
                    mailboxes.create(tx, name)
                    mailboxes.subscribe(tx, name, True)
                    now = {one.name for one in mailboxes.every(tx)}
                    folders += len(now) - len(there)
                    there = now
                box = mailboxes.find(tx, name)
                rows = _KNOWN.raw(tx, {"collection": box.id})
                known[name] = box, {value for row in rows for value in row if value}
            box, ids = known[name]
            message_id = one.prepared.scanned.message_id
            if one.prepared.hash in ids or (message_id and message_id in ids):
                present += 1
                continue
            ids.update((one.prepared.hash, message_id) if message_id else (one.prepared.hash,))
            fresh.setdefault(name, []).append(one)
        for name, new in fresh.items():
            appending.append_many(tx, known[name][0], new)
            added += len(new)
    report.added += added
    report.present += present
    report.folders += folders
