"""`escritoire import`: calendars and contacts from files, with progress and a report (CAL-28, CON-23)."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from servers.cli import Desk
from servers.commands import mails
from servers.commands.listing import json_option, sheet
from servers.commands.opened import MAIL, Target, acting_on, collection, opened, place
from storage import transfer

_SHOWN: int = 20


@click.command("import")
@click.argument("target", metavar="PLACE", type=place)
@click.argument("file", type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option("--as", "login", help="Who adds; the owner, or the group's admin, without it.")
@json_option
@click.pass_obj
def command(desk: Desk, target: Target, file: Path, login: str | None, as_json: bool) -> None:
    """Read FILE, or - for standard input, into the collection PLACE.

    Calendars: iCalendar, vCalendar 1.0. Address books: vCard, CSV, Outlook's CSV, LDIF, a zip of
    them. The kind is found out. The same UID is an update where it may be edited, else skipped.
    Mail, into alice/mail or one of her mailboxes: mbox, a Maildir, .eml, a folder of mboxes
    (Thunderbird's, say) or of .eml files, a zip of .eml files in a folder `mail`. What is there
    already is passed over, so a stopped import may be begun again.

    \b
    Examples:
        escritoire import alice/events holidays.ics
        escritoire import groups/IAB/contacts members.csv --as alice
        escritoire import alice/mail old.zip
        escritoire import alice/mail/Archive ~/Maildir
    """
    if target.collection == MAIL:
        mails.bring(desk, target, file, login, as_json=as_json)
        return
    if file.is_dir():
        raise click.BadParameter("a folder is read into mailboxes only, such as alice/mail")
    if target.item is not None:
        raise click.BadParameter("import into a collection, such as alice/events")
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    with opened(desk) as store:
        actor = acting_on(store, target, login)
        with store.read(actor) as tx:
            found = collection(tx, target)
            left = transfer.room(tx, found)
        if left is not None:
            click.echo(f"the plan has room for {left} more contacts", err=True)
        where = transfer.Place(target.kind, target.space, target.collection)
        report = transfer.run(store, actor, where, data, _progress if sys.stderr.isatty() else None)
    if as_json:
        sheet(asdict(report), as_json)
    else:
        _print(report)
    if report.stopped or report.failed:
        sys.exit(1)


def _progress(done: int, total: int) -> None:
    click.echo(f"\r{done} of {total}", err=True, nl=done == total)


def _print(report: transfer.Report) -> None:
    click.echo(f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged")
    for word, troubles in (("skipped", report.skipped), ("failed", report.failed)):
        if not troubles:
            continue
        click.echo(f"{len(troubles)} {word}:", err=True)
        for one in troubles[:_SHOWN]:
            line = f"line {one.line}: " if one.line and not one.reason.startswith("line ") else ""
            click.echo(f"  {line}{one.reason}" + (f" (UID {one.uid})" if one.uid else ""), err=True)
        if len(troubles) > _SHOWN:
            click.echo(f"  and {len(troubles) - _SHOWN} more; --json has them all", err=True)
    if report.ignored:
        more = f" and {len(report.ignored) - _SHOWN} more; --json has them all" if len(report.ignored) > _SHOWN else ""
        click.echo(f"columns that are not known here: {', '.join(report.ignored[:_SHOWN])}{more}", err=True)
    if report.stopped:
        click.echo(f"stopped: {report.stopped}; {report.not_tried} were not tried", err=True)
