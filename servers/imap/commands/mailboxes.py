"""Mailboxes are made, renamed, deleted, subscribed (RFC 9051 §6.3.4…10; RFC 6154 §3)."""

from __future__ import annotations

from servers.imap import render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader
from storage.errors import Fixed
from storage.mail import mailboxes, names
from storage.mail.types import SEPARATOR


def create(connection: Connection, reader: Reader, tag: str) -> Answer:
    """CREATE, with a use (RFC 6154 §3) and MAILBOXID (RFC 8474 §4.1)."""
    reader.space()
    name = reader.mailbox()
    use = ""
    if not reader.done:
        reader.space()
        reader.need(b"(")
        if reader.word() != "USE":
            raise Bad("there is no such parameter of CREATE")
        reader.space()
        uses = reader.listed(reader.flag)
        reader.need(b")")
        if len(uses) > 1:
            raise No("a mailbox has one use", "USEATTR")
        use = _use(uses[0]) if uses else ""
    reader.end()
    with connection.store.write(connection.me) as tx:
        try:
            made = mailboxes.create(tx, name, use)
        except (Fixed, names.BadName) as error:
            raise No(str(error), "USEATTR" if use and "us" in str(error) else "CANNOT") from error
    words = render.attributes(made, subscribed=made.subscribed)
    told = _changed(connection, name, made.name, words)  # RFC 9051 §6.3.4
    return Answer(told, code=f"MAILBOXID ({made.object_id})")


def delete(connection: Connection, reader: Reader, tag: str) -> Answer:
    """DELETE: what was in it goes to Trash (MSG-39)."""
    reader.space()
    name = reader.mailbox()
    reader.end()
    with connection.store.write(connection.me) as tx:
        doomed = mailboxes.delete(tx, name)
    gone = doomed[0]
    told = _changed(connection, name, gone.name, render.attributes(None, subscribed=gone.subscribed))
    view = connection.view
    # By its number: another client may have given it another name meanwhile.
    if view is not None and any(one.id == view.id for one in doomed):
        connection.view = None
        told = (*told, b"* OK [CLOSED] the mailbox is gone\r\n")
    return Answer(told)


def rename(connection: Connection, reader: Reader, tag: str) -> Answer:
    reader.space()
    name = reader.mailbox()
    reader.space()
    new = reader.mailbox()
    reader.end()
    with connection.store.write(connection.me) as tx:
        mailboxes.rename(tx, name, new)
        box = mailboxes.find(tx, new)
    if _is_clean(name) and _is_clean(new):
        return Answer()
    words = render.attributes(box, subscribed=box.subscribed)
    return Answer((render.list_response(box.name, words, utf8=True, old=name),) if connection.rev2 else ())


def subscribe(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _subscribe(connection, reader, on=True)


def unsubscribe(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _subscribe(connection, reader, on=False)


def namespace(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 9051 §6.3.10: everything is one's own (MSG-67)."""
    reader.end()
    return Answer((b'* NAMESPACE (("" "/")) NIL NIL\r\n',))


def _is_clean(name: str) -> bool:
    """Whether a name is as it is stored, but for a separator at its end."""
    return names.clean(name) == name.removesuffix(SEPARATOR)


def _changed(connection: Connection, given: str, name: str, attributes: list[str]) -> tuple[bytes, ...]:
    """What tells that a name that was given is another one here (RFC 9051 §6.3.4, §6.3.5, §6.3.9.7)."""
    if not connection.rev2 or name == given.removesuffix(SEPARATOR):
        return ()
    return (render.list_response(name, attributes, utf8=True, old=given),)


def _subscribe(connection: Connection, reader: Reader, *, on: bool) -> Answer:
    reader.space()
    name = reader.mailbox()
    reader.end()
    with connection.store.write(connection.me) as tx:
        mailboxes.subscribe(tx, name, on)
    return Answer()


def _use(flag: str) -> str:
    return "\\" + flag.lstrip("\\").capitalize()
