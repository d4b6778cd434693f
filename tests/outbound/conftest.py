"""The queue's tests run on both engines, those of the deliverer on SQLite, before a world on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from servers.outbound.delivery import Delivery
from servers.outbound.local import Local
from servers.outbound.options import Options
from servers.outbound.remote import Remote
from servers.outbound.resolver import Resolver
from servers.outbound.routes import Router
from servers.outbound.signing import Signer, ensure
from servers.outbound.sts import Policies
from storage.mail import mailboxes, reading
from storage.outbound import administration, queue
from storage.outbound.tables import recipients
from storage.outbound.types import Queued, QueueId, Target
from storage.store import Store
from storage.types import SITE, Actor, PrincipalId
from tests.outbound.filters import Server
from tests.outbound.world import Authority, Dns, World, free_port, loopback
from tests.storage import desk as people
from tests.storage.conftest import (  # noqa: F401
    Furnish,
    alice,
    bob,
    cluster,
    furnished,
    postgresql_url,
    sqlite_template,
    store,
    url,
)

MAIL = (
    b"From: Alice <alice@example.test>\r\nTo: you@remote.test\r\nSubject: Tea\r\nMessage-ID: <1@example.test>\r\n"
    b"Date: Thu, 26 Nov 2026 10:00:00 +0000\r\n\r\nHello\r\n.\r\n..two\r\n"
)


class Outside:
    """A desk that sends, and the world that it sends to: names, servers and a clock that can be turned on."""

    def __init__(self, store: Store, folder: Path, stack: ExitStack) -> None:  # noqa: F811
        self.store = store
        self.folder = folder
        self.stack = stack
        self.dns = Dns()
        stack.callback(self.dns.close)
        self.authority = Authority(folder)
        self.port = free_port()
        self.key = ensure(folder / "dkim", "desk")
        self.options = Options(
            hostname="desk.example.test",
            domain="example.test",
            domains=frozenset({"example.test"}),
            resolvers=("127.0.0.1",),
            resolver_port=self.dns.port,
            port=self.port,
            ca_file=str(self.authority.file),
            sts=False,
            command_s=60,
            final_s=60,
        )
        self._hosts = 0

    def host(self, name: str, domain: str = "", *, preference: int = 10, **options: Any) -> World:
        """A server of the world that takes the mail of `domain`."""
        server = World(self.address(name, domain, preference), self.port, **options)
        self.stack.enter_context(server)
        return server

    def address(self, name: str, domain: str = "", preference: int = 10) -> str:
        """Give a host an address and, as an exchanger, a domain."""
        self._hosts += 1
        address = loopback(self._hosts)
        self.dns.zone[(name, "A")] = [address]
        if domain:
            self.dns.zone.setdefault((domain, "MX"), []).append(f"{preference} {name}.")
        return address

    def send(
        self, *to: str | Target, data: bytes = MAIL, sender: str = "alice@example.test", **options: Any
    ) -> QueueId:
        targets = [Target(one) if isinstance(one, str) else one for one in to]
        options.setdefault("account", PrincipalId(1))
        with self.store.write(SITE) as tx:
            return queue.enqueue(tx, sender=sender, recipients=targets, data=data, **options)

    def delivery(self, **changes: Any) -> Delivery:
        options = replace(self.options, **changes)
        resolver = Resolver(options.resolvers, port=options.resolver_port, trusted=options.dnssec)
        policies = Policies(self.store, resolver, options)
        remote = Remote(options, Router(options, resolver, policies.find))
        return Delivery(
            self.store, options, remote, Local(self.store, options), Signer("desk", self.key, options.domains)
        )

    def run(self, *, now: bool = False, times: int = 20, **changes: Any) -> None:
        """Deliver all that is due, reports too; `now` makes what waits due first."""
        if now:
            with self.store.write(SITE) as tx:
                tx.db.execute(sa.update(recipients).values(due=tx.now - 1))
        delivery = self.delivery(**changes)
        together = delivery._options.smarthost is not None
        for _ in range(times):
            with self.store.write(SITE) as tx:
                leases = queue.lease(tx, "test", time.time(), 10, together=together, apart=self.options.domains)
            if not leases:
                return
            for one in leases:
                delivery.run(one)

    def queued(self) -> list[Queued]:
        with self.store.read(SITE) as tx:
            return administration.every(tx)

    def waiting(self) -> tuple[str, str]:
        """Status and reply of the one recipient that waits."""
        [one] = [each for message in self.queued() for each in message.recipients]
        return one.status, one.reply

    def inbox(self, login: str = "alice") -> list[bytes]:
        actor: Actor = people.actor(self.store, login)
        with self.store.read(actor) as tx:
            box = mailboxes.find(tx, "INBOX")
            states = reading.snapshot(tx, box.id).states
            return [reading.body(tx, state.content) for state in states]

    def report(self) -> tuple[EmailMessage, list[dict[str, str]]]:
        """The one report in alice's INBOX: itself, and its groups of fields."""
        [data] = self.inbox()
        parsed = message_from_bytes(data, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        assert not parsed.defects
        assert parsed.get_content_type() == "multipart/report"
        _, status, _ = parsed.iter_parts()
        groups = [dict(one.items()) for one in status.get_payload()]
        return parsed, [{name: str(value) for name, value in one.items()} for one in groups if one]


@pytest.fixture
def outside(furnished: Callable[[Furnish, Path], None], tmp_path: Path) -> Iterator[Outside]:  # noqa: F811
    path = tmp_path / "desk.sqlite3"
    furnished(people.furnish, path)
    opened = Store.open(f"sqlite:///{path}", tmp_path / "blobs")
    with ExitStack() as stack:
        stack.callback(opened.close)
        yield Outside(opened, tmp_path, stack)


@pytest.fixture
def server() -> Iterator[Server]:
    """A spam filter."""
    one = Server()
    yield one
    one.close()


Script = Callable[[Any], None]
