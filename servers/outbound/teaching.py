"""The spam filter is taught: rspamd by its controller, SpamAssassin by spamd's TELL (MSG-47)."""

from __future__ import annotations

import http.client
import logging
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from storage.mail.learning import Lesson, Outcome

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 20.0
_ANSWER_OCTETS: Final = 4_096
_STATUS: Final = re.compile(rb"SPAMD/\d+\.\d+ (\d{1,3})[ \r\n]")
_KNOWN: Final = b"already learned"
"""What rspamd says of a mail that it knows, with 208 or 404 by its version."""
_MENDED: Final = frozenset({401, 403, 404, 405, 408, 429})
"""A wrong password, another worker's port, or too much at once: the administrator or time mends that."""
_NEVER: Final = frozenset({64, 65, 76})
"""spamd's EX_USAGE, EX_DATAERR and EX_PROTOCOL: another attempt says the same."""


class Teacher:
    """Hands lessons to the filter at `rspamd://host:port` or `spamd://host:port`."""

    def __init__(self, url: str, password: str = "") -> None:
        parts = urlsplit(url)
        self._spamd: Final = parts.scheme == "spamd"
        self._host: Final = parts.hostname or "127.0.0.1"
        self._port: Final = parts.port or (783 if self._spamd else 11334)
        self._password: Final = password

    def teach(self, lesson: Lesson) -> Outcome:
        """Hand one over; whatever goes wrong on the way is for later."""
        try:
            status, outcome = self._tell(lesson) if self._spamd else self._learn(lesson)
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.warning("spam filter", extra={"reason": str(error) or type(error).__name__})
            return Outcome.AGAIN
        level = logging.INFO if outcome is Outcome.TAUGHT else logging.WARNING
        log.log(level, "spam lesson", extra={"spam": lesson.spam, "status": status, "outcome": outcome.value})
        return outcome

    def _learn(self, lesson: Lesson) -> tuple[int, Outcome]:
        fields = {"User-Agent": "Escritoire"} | ({"Password": self._password} if self._password else {})
        peer = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            peer.request("POST", "/learnspam" if lesson.spam else "/learnham", lesson.data, fields)
            answer = peer.getresponse()
            status, said = answer.status, answer.read(_ANSWER_OCTETS)
        finally:
            peer.close()
        if 200 <= status < 300 or _KNOWN in said:
            return status, Outcome.TAUGHT
        return status, Outcome.AGAIN if status >= 500 or status in _MENDED else Outcome.REFUSED

    def _tell(self, lesson: Lesson) -> tuple[int, Outcome]:
        kind = b"spam" if lesson.spam else b"ham"
        head = b"TELL SPAMC/1.5\r\nMessage-class: %b\r\nSet: local\r\nContent-length: %d\r\n\r\n"
        with socket.create_connection((self._host, self._port), timeout=TIMEOUT_S) as peer:
            peer.sendall(head % (kind, len(lesson.data)) + lesson.data)
            peer.shutdown(socket.SHUT_WR)
            answer = b""
            while b"\n" not in answer and len(answer) < _ANSWER_OCTETS and (piece := peer.recv(_ANSWER_OCTETS)):
                answer += piece
        found = _STATUS.match(answer)
        if found is None:
            raise ValueError("this is no answer of spamd")
        status = int(found[1])
        if not status:
            return status, Outcome.TAUGHT
        return status, Outcome.REFUSED if status in _NEVER else Outcome.AGAIN
