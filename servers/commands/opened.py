"""What the administrating commands share: the open store, who acts, and how a place is written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import click

from servers.cli import Desk
from servers.http.start import open_store
from storage import collections as tree
from storage import groups, principals
from storage.errors import NotFound
from storage.filing import DOCS, FAVOURITES
from storage.mail.routing import Site, read_aliases
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Collection, Principal, SpaceKind


@dataclass(frozen=True, slots=True)
class Target:
    """A place as it is typed: OWNER/events, OWNER/events/NAME.ics, groups/IAB/events."""

    kind: SpaceKind
    space: str
    collection: str
    """Its name; on the disk the whole path, "docs/Reports/a.pdf"."""
    item: str | None

    @property
    def on_disk(self) -> bool:
        """Whether it is a folder or a file, not a collection and its item."""
        return self.collection.partition("/")[0] in _TREES


NUMBER: Final = click.IntRange(1, 2**63 - 1)
"""The number of something in the store."""
MAIL: Final = "mail"
"""alice/mail is all of her mailboxes, alice/mail/Work/2026 one of them."""
_TREES: Final = frozenset({DOCS, FAVOURITES})


def place(value: str) -> Target:
    """Read a `Target`; OWNER/private/events, as in URLs, does as well.

    Raises:
        BadParameter: it is no place.
    """
    parts = [part for part in value.removeprefix("/dav/").strip("/").split("/") if part]
    kind, rest = SpaceKind.PRIVATE, parts
    if parts and parts[0] == "groups":
        kind, rest = SpaceKind.GROUP, parts[1:]
    elif len(parts) >= 3 and parts[1] == "private":
        rest = [parts[0], *parts[2:]]
    if len(rest) >= 2 and rest[1] in _TREES:
        space = rest[0].lower() if kind is SpaceKind.PRIVATE else rest[0]
        return Target(kind, space, "/".join(rest[1:]), None)
    if len(rest) >= 2 and rest[1] == MAIL and kind is SpaceKind.PRIVATE:
        return Target(kind, rest[0].lower(), MAIL, "/".join(rest[2:]) or None)
    if len(rest) not in (2, 3):
        raise click.BadParameter(
            f"{value!r} is no place such as alice/events, alice/events/tea.ics or groups/IAB/contacts"
        )
    space = rest[0].lower() if kind is SpaceKind.PRIVATE else rest[0]
    return Target(kind, space, rest[1], rest[2] if len(rest) == 3 else None)


@contextmanager
def opened(desk: Desk) -> Iterator[Store]:
    """The desk's store, its tables brought to this release's form."""
    store = open_store(desk.settings)
    try:
        store.bring_up_to_date()
        yield store
    finally:
        store.close()


def site(desk: Desk) -> Site:
    """What of the settings decides where mail goes."""
    settings = desk.settings
    aliases = read_aliases(settings.mail.aliases, settings.domain.lower())
    return Site(settings.mail_hostname, settings.mail_domains, aliases, settings.smtp.recipients_max)


def account(tx: Transaction, login: str) -> Principal:
    """An account by its login.

    Raises:
        NotFound: there is none.
    """
    try:
        return principals.find(tx, SpaceKind.PRIVATE, login)
    except NotFound:
        raise NotFound(f"there is no account {login or 'without a name'}") from None


def group(tx: Transaction, name: str) -> Principal:
    """A group by its short name, in its own case.

    Raises:
        NotFound: there is none.
    """
    try:
        return principals.find(tx, SpaceKind.GROUP, name)
    except NotFound:
        raise NotFound(f"there is no group {name} (capitals count)") from None


def acting(store: Store, login: str | None) -> Actor:
    """Who acts: the account of that login, or the site administrator without one."""
    if login is None:
        return SITE
    with store.read(SITE) as tx:
        found = account(tx, login)
    return Actor(found.id, found.name)


def owner(store: Store, kind: SpaceKind, space: str) -> Actor:
    """The owner of a private space, or the admin of a group."""
    with store.read(SITE) as tx:
        who = account(tx, space) if kind is SpaceKind.PRIVATE else groups.sheet(tx, group(tx, space)).admin
    return Actor(who.id, who.name)


def acting_on(store: Store, target: Target, login: str | None) -> Actor:
    """`--as`, or else whose place it is."""
    return acting(store, login) if login is not None else owner(store, target.kind, target.space)


def collection(tx: Transaction, target: Target) -> Collection:
    """The collection of a place as the actor sees it.

    Raises:
        NotFound: there is none, for him.
    """
    try:
        return tree.find(tx, target.kind, target.space, target.collection)
    except NotFound:
        raise NotFound(_others(tx, target)) from None


def _others(tx: Transaction, target: Target) -> str:
    """That a collection is not there, and which ones are."""
    said = f"there is no collection {target.collection} of {target.space} for this actor"
    try:
        names = sorted(one.name for one in tree.home(tx, target.kind, target.space) if "/" not in one.name)
    except NotFound:
        return said
    shown = [name for name in names if name not in _TREES]
    return f"{said}; there are: {', '.join(shown)}, and docs/… and favourites/… on the disk"


def read_password(from_stdin: bool, prompt: str = "Password", *, confirm: bool = True) -> str:
    """A password from standard input's first line, or typed twice; never from the command line.

    At a terminal it is asked for in any case: standard input would show on the screen what is typed.
    """
    if from_stdin and not sys.stdin.isatty():
        line = sys.stdin.buffer.readline()
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError("The password on standard input is not UTF-8.") from None
        if not text:
            raise click.UsageError("There is no password on standard input.")
        return text
    if not sys.stdin.isatty():
        raise click.UsageError("Give the password on standard input, with --password-stdin.")
    typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return typed


def ask(question: str, yes: bool) -> None:
    """Let a person at a terminal confirm; a script has said what it wants."""
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)
