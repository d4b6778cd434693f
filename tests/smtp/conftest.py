"""A desk with alice and bob, emptied for each test, and clients of every door."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from auth import passwords
from auth.sasl.context import Context
from auth.throttle import DEFAULT
from servers.line.session import Peer, Reply, Then
from servers.smtp.checks import Checks
from servers.smtp.connection import Connection
from storage import accounts
from storage.mail import mailboxes, moving, reading
from storage.mail.routing import Site, read_aliases
from storage.outbound import tables as outbound
from storage.store import Store
from storage.types import SITE, Actor

PASSWORD = "a secret"
ALIASES = (
    "info: alice, bob",
    "sales@example.test: out@elsewhere.example",
    "loop: loop2",
    "loop2: loop",
    "@second.test: bob",
)


@pytest.fixture(scope="session")
def whole_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, dict[str, Actor]]]:
    folder = tmp_path_factory.mktemp("smtp")
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    store.migrate()
    hashed = passwords.make_hash(PASSWORD)
    actors: dict[str, Actor] = {}
    with store.write(SITE) as tx:
        for login in ("alice", "bob"):
            who = accounts.create(tx, login, hashed, email=f"{login}@example.test")
            actors[login] = Actor(who.id, who.name)
    yield store, actors
    store.close()


@pytest.fixture
def people(whole_desk: tuple[Store, dict[str, Actor]]) -> dict[str, Actor]:
    """Their mailboxes are empty, and so is the queue."""
    store, actors = whole_desk
    for actor in actors.values():
        with store.write(actor) as tx:
            for box in mailboxes.every(tx):
                moving.remove_all(tx, box)
    with store.write(SITE) as tx:
        tx.db.execute(sa.delete(outbound.messages))
    return actors


@pytest.fixture
def store(whole_desk: tuple[Store, dict[str, Actor]], people: dict[str, Actor]) -> Store:
    return whole_desk[0]


class Client:
    """Speaks as the kernel would."""

    def __init__(
        self,
        store: Store,
        listener: str = "mx",
        *,
        tls: bool = False,
        address: str = "127.0.0.1",
        checks: Checks | None = None,
        site: Site | None = None,
    ) -> None:
        own = ("example.test", "second.test")
        self.site = site or Site("mail.example.test", own, read_aliases(ALIASES, "example.test"))
        peer = Peer(address, 1, address == "127.0.0.1", tls, listener, not tls and listener != "lmtp")
        self.session = Connection(
            store, self.site, peer, lambda on: Context(store, "submission", address, on, DEFAULT), checks
        )
        self.then = Then.GO_ON
        self._buffer = bytearray()
        self.greeting = self._say(self.session.greeting())

    def __call__(self, *lines: str | bytes) -> str:
        return self.feed(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))

    def feed(self, octets: bytes) -> str:
        self._buffer += octets
        said = ""
        while self.then is Then.GO_ON and (unit := self.session.cut(self._buffer)) is not None:
            said += self._say(unit if isinstance(unit, Reply) else self.session.run(unit))
        return said

    def code(self, *lines: str | bytes) -> str:
        """Code and status of the last reply."""
        return " ".join(self(*lines).split("\r\n")[-2].split(" ")[:2])

    def hello(self) -> Client:
        assert self("LHLO client.example" if self.session._state.lmtp else "EHLO client.example").startswith("250")
        return self

    def login(self) -> Client:
        import base64

        self.hello()
        assert self.code("AUTH PLAIN " + base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()) == "235 2.7.0"
        return self

    def mail(self, sender: str, *to: str, data: bytes = b"Subject: x\r\n\r\nbody\r\n") -> str:
        """A whole mail; the last replies."""
        assert self.code(f"MAIL FROM:<{sender}>") == "250 2.1.0"
        for one in to:
            assert self.code(f"RCPT TO:<{one}>") == "250 2.1.5"
        assert self("DATA").startswith("354")
        return self.feed(data.replace(b"\r\n.", b"\r\n..") + b".\r\n")

    def _say(self, reply: Reply) -> str:
        self.then = Then.GO_ON if reply.then is Then.STARTTLS else reply.then
        return b"".join(reply.data).decode()


@pytest.fixture
def connect(store: Store) -> Callable[..., Client]:
    return lambda *args, **more: Client(store, *args, **more)


@pytest.fixture
def inbox(store: Store, people: dict[str, Actor]) -> Callable[..., list[bytes]]:
    """What is in somebody's mailbox."""

    def read(login: str, name: str = "INBOX") -> list[bytes]:
        with store.read(people[login]) as tx:
            states = reading.snapshot(tx, mailboxes.find(tx, name).id).states
            return [reading.body(tx, state.content) for state in states]

    return read


@pytest.fixture
def queued(store: Store) -> Callable[[], list[tuple[str, str]]]:
    """Sender and recipient of all that waits in the queue."""

    def read() -> list[tuple[str, str]]:
        with store.read(SITE) as tx:
            query = sa.select(outbound.messages.c.sender, outbound.recipients.c.address).join(
                outbound.recipients, outbound.recipients.c.message_id == outbound.messages.c.id
            )
            return [(row.sender, row.address) for row in tx.db.execute(query)]

    return read
