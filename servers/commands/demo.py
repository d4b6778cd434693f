"""`escritoire demo`: a throw-away desk in the foreground, and what to type into each client."""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path

import click

from conf.endpoints import LINE_PROTOCOLS, ports_of_a_desk
from conf.load import FILE_NAME, parse
from conf.settings import Settings
from servers import demo, front, process, supervisor


@click.command()
@click.option(
    "--port-base", type=int, help="Every server's port is this and its offset [default: the first that is free]."
)
@click.option("--front/--no-front", "with_front", default=None, help="HTTPS by Caddy [default: when it is installed].")
def command(port_base: int | None, with_front: bool | None) -> None:
    """Run a throw-away desk until Ctrl-C; nothing of it stays behind.

    \b
    It listens on this machine only and holds
        alice, bob and carol     (passwords alice-demo, bob-demo, carol-demo)
        the group IAB            with a calendar, tasks and contacts of its own
        a week of sample data    in which the rights can be seen
    """
    with tempfile.TemporaryDirectory(prefix="escritoire-demo-") as directory:
        place = Path(directory)
        base = port_base if port_base is not None else _free_base()
        front_on = with_front if with_front is not None else front.program("") is not None
        text = _SETTINGS.format(base=base, front="true" if front_on else "false")
        (place / FILE_NAME).write_text(text, "utf-8")
        settings = parse(text, place / FILE_NAME)
        click.echo("Furnishing the desk …", err=True)
        demo.furnish(settings, date.today())
        _client_files(settings, place)
        status = supervisor.supervise(
            settings, supervisor.names(settings), when_ready=lambda: click.echo(_instructions(settings, place))
        )
        click.echo("The desk is closed and gone.", err=True)
    sys.exit(status)


_SETTINGS = """\
domain = "localhost"
listen = "127.0.0.1"
port_base = {base}
log_level = "warning"
[front]
enabled = {front}
tls = "internal"
https_port = 0
http_port = 0
[outbound]
enabled = false
"""


def _free_base() -> int:
    """The first base whose ports nobody uses, from 20000 on.

    Raises:
        CannotListen: there is none below 32000.
    """
    for base in range(20_000, 32_000, 1_000):
        try:
            for offset in ports_of_a_desk():
                process.require_free("127.0.0.1", base + offset)
        except process.CannotListen:
            continue
        return base
    raise process.CannotListen("no port base from 20000 to 31000 is free")


def _client_files(settings: Settings, place: Path) -> None:
    """Ready-made files for vdirsyncer and khal; they use the plain ports, which need no certificate."""
    storages = "\n".join(
        _STORAGE.format(
            kind=kind, type=type_, url=settings.own_url(kind), extension=extension, place=place, password="alice-demo"
        )
        for kind, type_, extension in (("caldav", "caldav", ".ics"), ("carddav", "carddav", ".vcf"))
    )
    (place / "vdirsyncer.conf").write_text(f'[general]\nstatus_path = "{place}/status/"\n{storages}', "utf-8")
    (place / "khal.conf").write_text(
        f"[calendars]\n[[desk]]\npath = {place}/caldav/*\ntype = discover\n[sqlite]\npath = {place}/khal.db\n", "utf-8"
    )


_STORAGE = """
[pair {kind}]
a = "{kind}_here"
b = "{kind}_desk"
collections = ["from b"]

[storage {kind}_here]
type = "filesystem"
path = "{place}/{kind}/"
fileext = "{extension}"

[storage {kind}_desk]
type = "{type}"
url = "{url}"
username = "alice"
password = "{password}"
"""


def _phones(settings: Settings, own: str) -> str:
    """Where an ActiveSync program reaches the desk."""
    return f"{settings.origin or own.rstrip('/')}/Microsoft-Server-ActiveSync"


def _instructions(settings: Settings, place: Path) -> str:
    calendars, books = settings.own_url("caldav"), settings.own_url("carddav")
    port = settings.address("caldav")[1]
    disk, phones = settings.own_url("webdav"), settings.own_url("activesync")
    mail = {door.name: settings.line_address(one.name, door)[1] for one in LINE_PROTOCOLS for door in one.listeners}
    lines = [
        "",
        "The desk is open.  Ctrl-C closes it and throws it away.",
        "",
        f"  calendars  {calendars}      contacts  {books}      (this machine only)",
    ]
    if settings.front.enabled:
        lines += [
            f"  all in one {settings.origin}/      its certificate's authority, to be trusted for the demonstration:",
            f"             {front.authority(settings)}",
        ]
    lines += [
        "",
        "  login      password      ",
        "  alice      alice-demo    administrator of the group IAB; opened her calendar to bob",
        "  bob        bob-demo      member, adds to its calendar; sees what alice does, but not her dentist",
        "  carol      carol-demo    member; sees when alice is busy, and nothing more",
        "",
        "What to type into",
        "  Thunderbird      New Calendar → On the Network: alice, " + calendars,
        "                   Address Book → New → CardDAV: alice, " + books,
        f"  Apple Calendar   Add Account → Other → CalDAV → Advanced: alice, server 127.0.0.1, port {port}, no SSL,",
        "                   path /dav/principals/accounts/alice/",
        f"  Apple Contacts   Add Account → Other → CardDAV: alice, server {books}dav/principals/accounts/alice/",
        f"  DAVx5            in an emulator on this machine: URL and user name, http://10.0.2.2:{port}/ and alice",
        f"  vdirsyncer       vdirsyncer -c {place}/vdirsyncer.conf discover",
        f"                   vdirsyncer -c {place}/vdirsyncer.conf sync",
        "  Thunderbird, mail  New account → Configure manually: alice@localhost, alice-demo; "
        f"IMAP 127.0.0.1 {mail['imap']} and SMTP {mail['submission']}, no security",
        f"  mutt             mutt -f imap://alice:alice-demo@127.0.0.1:{mail['imap']}/INBOX",
        f"  mail by POP3     127.0.0.1 {mail['pop3']};  mail from outside by SMTP: 127.0.0.1 {mail['mx']}",
        f"  feed reader      {settings.own_url('feeds')}feeds/alice/private/events/week.rss     (alice)",
        f"  file manager     GNOME, KDE, Finder, Windows Explorer: {disk}docs/alice/",
        f"  bookmarks        {disk}dav/alice/private/favourites/bookmarks.html     (alice)",
        f"  rclone           rclone --webdav-url {disk}docs/alice/ --webdav-user alice "
        "--webdav-pass $(rclone obscure alice-demo) ls :webdav:",
        f"  cadaver          cadaver {disk}docs/bob/     (bob, bob-demo)",
        "  phone            in an emulator on this machine: Exchange account, user alice, domain empty,",
        f"                   server 10.0.2.2, port {settings.address('activesync')[1]}, no security; "
        f"others need HTTPS, {_phones(settings, phones)}",
        f"  khal             khal -c {place}/khal.conf list today 14d",
        "  curl             the same event, seen by three people:",
        *(
            f"                   curl -u {login}:{demo.password(login)} {calendars}dav/alice/private/events/review.ics"
            for login in demo.PEOPLE
        ),
        f"                   curl -u bob:bob-demo {calendars}dav/groups/IAB/events/standup.ics",
        "",
        "Another calendar of somebody else: his login in the address, your own login and password.",
        f"  {calendars}dav/alice/private/events/   {calendars}dav/groups/IAB/events/",
        "",
    ]
    return "\n".join(lines)
