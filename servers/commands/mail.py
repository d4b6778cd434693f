"""`escritoire mail`: mailboxes as a whole, and attachments as documents (MSG-12, 41, 42, 71, 73)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from servers.cli import Desk
from servers.commands import mails
from servers.commands.documents import Spot, folder, spot
from servers.commands.listing import json_option, moment, sheet, table
from servers.commands.opened import account, opened, read_password
from storage import preferences
from storage.mail import archiving, importing, mailboxes, moving, reading, remote
from storage.mail import attachments as attached
from storage.mail.flags import SEEN
from storage.mail.types import INBOX, TRASH
from storage.store import Store
from storage.types import SITE, Actor

_before = click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Only what was received before that day.")

_mails = click.option(
    "--mail", "uids", type=click.IntRange(1), multiple=True, help="Only the mail of that number; may be repeated."
)


@click.group()
def command() -> None:
    """Mailboxes of an account.

    \b
    Examples:
        escritoire mail list alice
        escritoire mail list alice INBOX --limit 5
        escritoire mail fetch alice imaps://alice%40old.example@imap.old.example --password-stdin
        escritoire mail archive alice Work/2024 --before 2025-01-01 --remove
        escritoire mail trash alice INBOX --before 2020-01-01
        escritoire mail empty alice
        escritoire mail attachments alice INBOX
        escritoire mail save alice INBOX 17 alice/Reports
    """


@command.command("list")
@click.argument("login")
@click.argument("mailbox", required=False)
@click.option("--limit", type=click.IntRange(1, 1_000), help="So many mails at most; mails_per_page without it.")
@json_option
@click.pass_obj
def list_(desk: Desk, login: str, mailbox: str | None, limit: int | None, as_json: bool) -> None:
    """All mailboxes with their counters; or the newest mails of MAILBOX, with the numbers that --mail takes."""
    if mailbox is not None:
        _list_mails(desk, login, mailbox, limit, as_json)
        return
    with opened(desk) as store, store.read(_actor(store, login)) as tx:
        rows: list[dict[str, Any]] = [
            {"name": box.name, "mails": box.exists, "unread": box.unseen, "octets": box.octets, "use": box.use}
            for box in mailboxes.every(tx)
        ]
    table(rows, ("name", "mails", "unread", "octets", "use"), as_json)


@command.command()
@click.argument("login")
@click.argument("source", metavar="URL")
@click.option("--password-stdin", is_flag=True, help="The password of the other account is on standard input.")
@click.option("--into", default="", help="Mailbox that the fetched ones lie in; without it they are beside the own.")
@click.option("--insecure", is_flag=True, help="Take any certificate.")
@json_option
@click.pass_obj
def fetch(desk: Desk, login: str, source: str, password_stdin: bool, into: str, insecure: bool, as_json: bool) -> None:
    """Copy all mails of an account elsewhere, by IMAP: imaps://LOGIN@HOST[:PORT] or imap:// with STARTTLS.

    Nothing is changed there. What was fetched before is passed over, so it may be stopped and begun again.
    """
    parts = urlsplit(source)
    if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username:
        raise click.BadParameter("write imaps://LOGIN@HOST, with %40 for an @ in LOGIN")
    tls = parts.scheme == "imaps"
    password = read_password(password_stdin, f"Password of {unquote(parts.username)}", confirm=False)
    wanted = remote.Source(
        parts.hostname, parts.port or (993 if tls else 143), tls, unquote(parts.username), password, not insecure
    )
    with opened(desk) as store:
        actor = _actor(store, login)
        known = importing.known(store, actor, into)
        try:
            report = importing.run(store, actor, remote.fetch(wanted, known), into=into, progress=mails.counter())
        except remote.RemoteError as error:
            raise click.ClickException(f"{parts.hostname}: {error}") from None
    mails.show(report, as_json=as_json)


@command.command()
@click.argument("login")
@click.argument("mailbox")
@_before
@_mails
@click.option("--remove", is_flag=True, help="Then move them to the Trash.")
@json_option
@click.pass_obj
def archive(
    desk: Desk, login: str, mailbox: str, before: datetime | None, uids: tuple[int, ...], remove: bool, as_json: bool
) -> None:
    """Put the mails of MAILBOX into a zip among the private documents: all, the old ones, or some (MSG-73)."""
    chosen = frozenset(uids) or None
    with opened(desk) as store:
        actor = _actor(store, login)
        made = archiving.run(store, actor, mailbox, before=_seconds(before), chosen=chosen, remove=remove)
    if as_json:
        sheet(asdict(made), as_json)
    elif made.name:
        click.echo(f"{made.name}: {made.mails} mails, {made.octets} octets; {made.moved} moved to the Trash")
    else:
        click.echo("there is nothing to archive", err=True)


@command.command()
@click.argument("login")
@click.argument("mailbox")
@_before
@_mails
@click.pass_obj
def trash(desk: Desk, login: str, mailbox: str, before: datetime | None, uids: tuple[int, ...]) -> None:
    """Move the mails of MAILBOX to the Trash: all, the old ones, or some (MSG-41)."""
    limit = _seconds(before)
    with opened(desk) as store, store.write(_actor(store, login)) as tx:
        box = mailboxes.find(tx, mailbox)
        states = reading.snapshot(tx, box.id).states
        wanted = [
            one.uid for one in states if (limit is None or one.internal < limit) and (not uids or one.uid in uids)
        ]
        moved = len(moving.move(tx, box, wanted, mailboxes.find(tx, TRASH, beside=box.id))) if box.name != TRASH else 0
    click.echo(f"{moved} moved to the Trash")


@command.command()
@click.argument("login")
@click.pass_obj
def empty(desk: Desk, login: str) -> None:
    """Remove all that is in the Trash, for good (MSG-42)."""
    with opened(desk) as store, store.write(_actor(store, login)) as tx:
        gone = len(moving.remove_all(tx, mailboxes.find(tx, TRASH)))
    click.echo(f"{gone} removed")


@command.command()
@click.argument("login")
@click.argument("mailbox", default=INBOX)
@click.option("--mail", "uid", type=click.IntRange(1), help="Only the mail of that number, pictures in its text too.")
@click.option("--limit", type=click.IntRange(1, 1_000), help="So many mails at most; mails_per_page without it.")
@json_option
@click.pass_obj
def attachments(desk: Desk, login: str, mailbox: str, uid: int | None, limit: int | None, as_json: bool) -> None:
    """List the attachments of the newest mails of MAILBOX (the INBOX without it): what `save` can keep."""
    with opened(desk) as store, store.read(_actor(store, login)) as tx:
        most = limit or int(preferences.of(tx, account(tx, login))["mails_per_page"])
        found = attached.listing(tx, mailbox, most) if uid is None else [attached.of(tx, mailbox, uid)]
    rows: list[dict[str, Any]] = [
        {"mail": mail.uid, "received": moment(mail.received), "from": mail.sender, "subject": mail.subject,
         "part": one.section, "name": one.name, "about_octets": one.octets}
        for mail in found
        for one in mail.attached
    ]  # fmt: skip
    columns = ("mail", "part", "name", "about_octets", "from", "subject", "received")
    table(rows, columns, as_json, f"no mail of {mailbox} carries an attachment")


@command.command()
@click.argument("login")
@click.argument("mailbox")
@click.argument("uid", metavar="MAIL", type=click.IntRange(1))
@click.argument("place", metavar="FOLDER", type=spot)
@click.option("--part", "sections", multiple=True, help="Only that part, as `attachments` lists it; may be repeated.")
@click.pass_obj
def save(desk: Desk, login: str, mailbox: str, uid: int, place: Spot, sections: tuple[str, ...]) -> None:
    """Keep the attachments of a mail as documents in FOLDER: alice, alice/Reports, groups/IAB (MSG-12).

    MAIL is its number, as `attachments` lists it. A name that is taken gets a number: nothing is overwritten.
    """
    with opened(desk) as store:
        where = attached.Place(place.kind, place.space, place.path)
        with store.read(_actor(store, login)) as tx:
            folder(tx, place)  # the refusal that names the place
        paths = attached.save(store, _actor(store, login), mailbox, uid, where, sections or None)
    for path in paths:
        click.echo(str(Spot(place.kind, place.space, path)))


def _list_mails(desk: Desk, login: str, mailbox: str, limit: int | None, as_json: bool) -> None:
    with opened(desk) as store, store.read(_actor(store, login)) as tx:
        most = limit or int(preferences.of(tx, account(tx, login))["mails_per_page"])
        states = reading.snapshot(tx, mailboxes.find(tx, mailbox).id).states
        newest = sorted(states, key=lambda one: (one.internal, one.uid), reverse=True)[:most]
        heads = reading.headers_of(tx, [one.content for one in newest])
    rows: list[dict[str, Any]] = [
        {"mail": one.uid, "received": moment(one.internal), "unread": SEEN not in one.flags,
         "from": heads[one.content].sender, "subject": heads[one.content].subject, "octets": one.octets}
        for one in newest
    ]  # fmt: skip
    table(rows, ("mail", "received", "unread", "octets", "from", "subject"), as_json, f"{mailbox} is empty")


def _actor(store: Store, login: str) -> Actor:
    with store.read(SITE) as tx:
        who = account(tx, login)
    return Actor(who.id, who.name)


def _seconds(day: datetime | None) -> float | None:
    return None if day is None else day.replace(tzinfo=UTC).timestamp()
