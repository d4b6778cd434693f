"""`escritoire init`: write a desk's settings and its empty store, with the plans `free` and `full`."""

from __future__ import annotations

from pathlib import Path

import click

from conf.load import FILE_NAME
from conf.settings import Settings
from conf.write import write
from servers.cli import Desk


@click.command()
@click.option(
    "--data",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory to make; everything of the desk lies in it. The global --data does as well.",
)
@click.option("--domain", required=True, help="The desk's domain, as in example.org.")
@click.option("--port-base", default=20000, show_default=True, help="Every server's port is this and its offset.")
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address that the servers listen on.")
@click.option("--database", "database_url", default="", help="postgresql+psycopg://user@host/name instead of SQLite.")
@click.option(
    "--front",
    "front_tls",
    type=click.Choice(["acme", "internal"]),
    help="Put Caddy before it: certificates by ACME for a public domain, or by an authority of its own.",
)
@click.option("--https-port", default=443, show_default=True, help="The front's port; 0 is port base + 443.")
@click.option("--http-port", default=80, show_default=True, help="Only redirects to the other; 0 is port base + 80.")
@click.option("--front-listen", multiple=True, help="Address of the front, if it is not --listen. May be repeated.")
@click.pass_obj
def command(
    desk: Desk,
    directory: Path | None,
    domain: str,
    port_base: int,
    listen: str,
    database_url: str,
    front_tls: str | None,
    https_port: int,
    http_port: int,
    front_listen: tuple[str, ...],
) -> None:
    """Open a new desk.

    \b
    To look at it, on this machine only:
        escritoire init --data /srv/desk --domain example.test --port-base 20000
    \b
    For the Internet, with certificates:
        escritoire init --data /srv/desk --domain desk.example.org --front acme --front-listen 0.0.0.0
    """
    place = directory or desk.directory
    if place is None:
        raise click.UsageError("Missing option '--data': the directory to make.")
    write(
        place.absolute(),
        domain=domain,
        listen=listen,
        port_base=port_base,
        database_url=database_url,
        front_tls=front_tls or "",
        front_listen=front_listen,
        https_port=https_port,
        http_port=http_port,
        first=_furnish,
    )
    click.echo(f"{place / FILE_NAME} is written; next:")
    click.echo(f"    escritoire --data {place} user add LOGIN")
    click.echo(f"    escritoire --data {place} dns")
    click.echo(f"    escritoire --data {place} serve")


def _furnish(settings: Settings) -> None:
    """The empty store, and the key that signs the desk's mail; what is there already stays."""
    from servers.outbound import signing
    from storage.store import Store

    store = Store.open(settings.database_url, settings.blobs_directory)
    try:
        store.migrate()
    finally:
        store.close()
    signing.ensure(settings.dkim_directory, settings.mail.dkim_selector)
