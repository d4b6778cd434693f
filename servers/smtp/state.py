"""What a session knows: of its client, and of the mail under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from auth.leave import Leave
from auth.sasl.context import Context
from auth.sasl.mechanisms import Exchange
from servers.line.session import Peer, Reply, Then
from servers.smtp.checks import Checks
from servers.smtp.envelope import Envelope
from servers.smtp.replies import Answer
from servers.smtp.wire import Cutter
from storage.mail.routing import Site
from storage.store import Store
from storage.types import Actor

_ERRORS_MAX: Final = 20


class State:
    """One session's; the commands change it."""

    def __init__(
        self, store: Store, site: Site, peer: Peer, context: Callable[[bool], Context], checks: Checks | None
    ) -> None:
        self.store: Final = store
        self.site: Final = site
        self.peer: Final = peer
        self.checks: Final = checks
        self.make_context: Final = context
        self.context = context(peer.tls)
        self.tls = peer.tls
        self.lmtp: Final = peer.listener == "lmtp"
        self.submission: Final = peer.listener in ("submission", "submissions")
        self.helo = ""
        self.extended = False
        self.actor: Actor | None = None
        self.leave: Leave | None = None
        """The actor's, to go on."""
        self.own: tuple[str, ...] = ()
        self.limit: int = site.recipients_max
        self.exchange: Exchange | None = None
        self.envelope: Envelope | None = None
        self.cutter: Final = Cutter()
        self.errors = 0
        self.unknown = 0
        self.failures = 0
        self.begun = 0.0
        self.last_chunk = False

    def said(self, answer: Answer, then: Then = Then.GO_ON) -> Reply:
        """An answer, and what follows it."""
        return Reply((answer.render(),), then)

    def error(self, answer: Answer) -> Reply:
        """A refusal; one too many is the end."""
        self.errors += 1
        if self.errors > _ERRORS_MAX:
            both = answer.render() + Answer(421, "4.7.0", "too many errors").render()
            return Reply((both,), Then.CLOSE)
        return self.said(answer)

    def reset(self) -> None:
        """Let go of the mail under way (RFC 5321 §4.1.1.5)."""
        envelope, self.envelope = self.envelope, None
        if envelope is not None:
            envelope.close()
