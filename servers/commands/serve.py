"""`escritoire serve`: the whole desk under one supervisor, or one protocol's process (what systemd's units run)."""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from conf.endpoints import HTTP_PROTOCOLS, LINE_PROTOCOLS, WORKERS
from servers.cli import Desk
from servers.commands.opened import opened
from storage.errors import Busy

log = logging.getLogger(__name__)


@click.command()
@click.argument("protocols", nargs=-1, metavar="[PROTOCOL]...")
@click.pass_obj
def command(desk: Desk, protocols: tuple[str, ...]) -> None:
    """Run every enabled protocol, or the ones named, until Ctrl-C or SIGTERM.

    \b
    Everything, each protocol in a process of its own, started again when it dies:
        escritoire --data /srv/desk serve
    \b
    One protocol and nothing else; this is what escritoire@caldav.service does:
        escritoire --data /srv/desk serve caldav

    Data of an older release are brought to this one's form first; a newer release's are refused.
    While it runs, DIR/run/endpoints.json says where everything listens.
    """
    lines = tuple(one.name for one in LINE_PROTOCOLS)
    known = (*(one.name for one in HTTP_PROTOCOLS), *lines, *WORKERS, "front")
    for name in protocols:
        if name not in known:
            raise click.BadParameter(f"there is no protocol {name!r}; there are {', '.join(known)}")
    if "ESCRITOIRE_SUPERVISED" not in os.environ:
        from servers import endpoints
        from servers import log as log_output

        log_output.configure(desk.settings, "serve")
        endpoints.require_directory(desk.settings)
        if protocols != ("front",):
            _bring_up_to_date(desk)
    if len(protocols) == 1 and protocols[0] in WORKERS:
        importlib.import_module(f"servers.{protocols[0]}.app").serve(desk.settings)
        return
    if len(protocols) == 1 and protocols[0] in lines:
        from servers import line_process

        line_process.serve(desk.settings, protocols[0], supervised="ESCRITOIRE_SUPERVISED" in os.environ)
        return
    if len(protocols) == 1 and protocols[0] != "front":
        from servers import process

        process.serve(desk.settings, protocols[0], supervised="ESCRITOIRE_SUPERVISED" in os.environ)
        return
    from servers import supervisor

    chosen = tuple(dict.fromkeys(protocols)) or supervisor.names(desk.settings)
    if not chosen:
        raise click.ClickException("no protocol is enabled; set enabled = true in [caldav], [carddav] or another")
    sys.exit(supervisor.supervise(desk.settings, chosen))


def _bring_up_to_date(desk: Desk) -> None:
    """Do the steps that the data lack; without its database server a process starts all the same, and waits for it.

    A file that cannot be used is no server that comes back: that is for the operator to mend.
    """
    try:
        with opened(desk):
            pass
    except Busy as error:
        if desk.settings.database_url.startswith("sqlite:"):
            raise
        log.warning("the database is away", extra={"reason": str(error.__cause__).partition("\n")[0]})
