"""`escritoire info`: the site administrator's message to everybody (INFO-06)."""

from __future__ import annotations

import html
from typing import TextIO

import click

from servers.cli import Desk
from servers.commands.listing import json_option, moment, sheet
from servers.commands.opened import opened
from storage import site_info
from storage.types import SITE


@click.group()
def command() -> None:
    """The message to everybody; it comes first in each account's feed of infos.

    \b
    A group's message is its page wiki/groupinfo/index.html, which its admin writes and deletes on the disk.

    \b
    Examples:
        escritoire info set notice.html
        escritoire info set --text "Closed for maintenance on Sunday from 8 to 10."
        escritoire info show
        escritoire info clear
    """


@command.command("set")
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@click.option("--text", help="The message as plain text, instead of a file of HTML.")
@click.pass_obj
def set_(desk: Desk, file: TextIO | None, text: str | None) -> None:
    """Put up a message: a page of HTML from FILE ("-": standard input), or a plain text."""
    if (file is None) is (text is None):
        raise click.UsageError("give either a file or --text")
    said = file.read() if file is not None else f"<p>{html.escape(text or '')}</p>"
    if not said.strip() or text == "":
        raise click.UsageError("the message is empty: escritoire info clear takes it down")
    with opened(desk) as store, store.write(SITE) as tx:
        site_info.put(tx, said)
    click.echo("the message is up")


@command.command()
@json_option
@click.pass_obj
def show(desk: Desk, as_json: bool) -> None:
    """Show the message, and since when it is up."""
    with opened(desk) as store, store.read(SITE) as tx:
        found = site_info.of(tx)
    if found is None and not as_json:
        click.echo("there is no message: escritoire info set puts one up", err=True)
        return
    sheet({"since": moment(found.since) if found else None, "html": found.html if found else ""}, as_json)


@command.command()
@click.pass_obj
def clear(desk: Desk) -> None:
    """Take the message down."""
    with opened(desk) as store, store.write(SITE) as tx:
        was_up = site_info.clear(tx)
    click.echo("the message is down" if was_up else "there was no message")
