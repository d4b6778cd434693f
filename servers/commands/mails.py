"""What `import` and `export` do for mail (MSG-70, MSG-72)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from servers.cli import Desk
from servers.commands.listing import sheet
from servers.commands.opened import Target, acting_on, opened
from storage.formats import mail_files
from storage.mail import importing
from storage.mail.importing import Report

FORMATS: Final = {"mbox": "mails in one file", "eml": "a zip of .eml files", "maildir": "a folder of mails"}
_SHOWN: Final = 20


def bring(desk: Desk, target: Target, file: Path, login: str | None, *, as_json: bool) -> None:
    """Read a file or a Maildir into mailboxes, and report."""
    if str(file) == "-":
        raise click.BadParameter("mails are read from a file or a folder, not from standard input")
    with opened(desk) as store:
        actor = acting_on(store, target, login)
        try:
            report = importing.run(store, actor, mail_files.read(file), into=target.item or "", progress=counter())
        except ValueError as error:
            raise click.ClickException(str(error)) from None
    show(report, as_json=as_json)


def show(report: Report, *, as_json: bool) -> None:
    """Print a report; the exit status is 1 if something is missing."""
    if as_json:
        sheet(asdict(report), as_json)
    else:
        click.echo(f"{report.added} added, {report.present} there already, {report.folders} mailboxes made")
        for one in report.failed[:_SHOWN]:
            click.echo(f"  failed: {one}", err=True)
        if len(report.failed) > _SHOWN:
            click.echo(f"  and {len(report.failed) - _SHOWN} more; --json has them all", err=True)
        if report.stopped:
            click.echo(f"stopped: {report.stopped}; begin again when there is room", err=True)
    if report.stopped or report.failed:
        sys.exit(1)


def write(desk: Desk, target: Target, form: str | None, output: Path | None, login: str | None) -> None:
    """Write mailboxes as one file, or as a new Maildir."""
    chosen = form or "mbox"
    if chosen not in FORMATS:
        raise click.UsageError(f"Mails are written as {', '.join(FORMATS)}.")
    if chosen == "maildir" and output is None:
        raise click.UsageError("A Maildir needs --output.")
    with opened(desk) as store:
        actor = acting_on(store, target, login)
        mails = importing.export(store, actor, target.item or "", counter())
        if chosen == "maildir":
            assert output is not None
            if output.exists():
                raise click.ClickException(f"{output} exists already")
            count = mail_files.write_maildir(output, mails)
        elif output is None:
            count = _writer(chosen)(sys.stdout.buffer, mails)
        else:
            with output.open("wb") as file:
                count = _writer(chosen)(file, mails)
    click.echo(f"{count} mails", err=True)


def counter() -> Callable[[int], None] | None:
    """Shows how many mails are done, to a person at a terminal."""
    if not sys.stderr.isatty():
        return None
    return lambda done: click.echo(f"\r{done} mails", err=True, nl=False)


def _writer(form: str) -> Callable[..., int]:
    return mail_files.write_zip if form == "eml" else mail_files.write_mbox
