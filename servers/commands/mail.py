"""`escritoire mail`: mailboxes as a whole (MSG-41, MSG-42, MSG-71, MSG-73)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from servers.cli import Desk
from servers.commands import mails
from servers.commands.listing import json_option, sheet, table
from servers.commands.opened import account, opened, read_password
from storage.mail import archiving, importing, mailboxes, moving, reading, remote
from storage.mail.types import TRASH
from storage.store import Store
from storage.types import SITE, Actor

_before = click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Only what was received before that day.")


@click.group()
def command() -> None:
    """Mailboxes of an account.

    \b
    Examples:
        escritoire mail list alice
        escritoire mail fetch alice imaps://alice%40old.example@imap.old.example --password-stdin
        escritoire mail archive alice Work/2024 --before 2025-01-01 --remove
        escritoire mail trash alice INBOX --before 2020-01-01
        escritoire mail empty alice
    """


@command.command("list")
@click.argument("login")
@json_option
@click.pass_obj
def list_(desk: Desk, login: str, as_json: bool) -> None:
    """All mailboxes with their counters."""
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
@click.option("--remove", is_flag=True, help="Then move them to the Trash.")
@json_option
@click.pass_obj
def archive(desk: Desk, login: str, mailbox: str, before: datetime | None, remove: bool, as_json: bool) -> None:
    """Put the mails of MAILBOX into a zip among the private documents (MSG-73)."""
    with opened(desk) as store:
        made = archiving.run(store, _actor(store, login), mailbox, before=_seconds(before), remove=remove)
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
@click.pass_obj
def trash(desk: Desk, login: str, mailbox: str, before: datetime | None) -> None:
    """Move the mails of MAILBOX to the Trash, all or the old ones (MSG-41)."""
    limit = _seconds(before)
    with opened(desk) as store, store.write(_actor(store, login)) as tx:
        box = mailboxes.find(tx, mailbox)
        states = reading.snapshot(tx, box.id).states
        uids = [one.uid for one in states if limit is None or one.internal < limit]
        moved = len(moving.move(tx, box, uids, mailboxes.find(tx, TRASH))) if box.name != TRASH else 0
    click.echo(f"{moved} moved to the Trash")


@command.command()
@click.argument("login")
@click.pass_obj
def empty(desk: Desk, login: str) -> None:
    """Remove all that is in the Trash, for good (MSG-42)."""
    with opened(desk) as store, store.write(_actor(store, login)) as tx:
        gone = len(moving.remove_all(tx, mailboxes.find(tx, TRASH)))
    click.echo(f"{gone} removed")


def _actor(store: Store, login: str) -> Actor:
    with store.read(SITE) as tx:
        who = account(tx, login)
    return Actor(who.id, who.name)


def _seconds(day: datetime | None) -> float | None:
    return None if day is None else day.replace(tzinfo=UTC).timestamp()
