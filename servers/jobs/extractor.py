"""Gets the text of documents out of a child process, and outlives whatever that child dies of (DOC-34)."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

DOCUMENTS_OF_ONE_CHILD: Final = 200
"""Then it makes way for another, with whatever its library did not give back."""
_MODULE: Final = "servers.jobs.extraction_child"
_ANSWER_OCTETS: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Text:
    """What came out of a document."""

    text: str
    read: bool
    """It could be read; else it is broken, protected by a password, or too much for the child."""


class Extractor:
    """One child at a time; for one thread. Close it when done."""

    def __init__(self, memory_octets: int, timeout_s: int, *, command: Sequence[str] | None = None) -> None:
        self._memory: Final = memory_octets
        self._timeout: Final = timeout_s
        # -P: a folder named `servers` in the current directory is none of ours.
        given = [sys.executable, "-P", "-m", _MODULE, str(memory_octets), str(timeout_s)]
        self._command: Final = list(command) if command is not None else given
        self._child: subprocess.Popen[bytes] | None = None
        self._count = 0

    def extract(self, data: bytes, kind: str) -> Text:
        """The text of a document of the media type `kind`.

        A child that others have used before may have died of them: then a fresh one tries once more.
        """
        fresh = self._child is None
        found = self._once(data, kind)
        if found is None and not fresh:
            found = self._once(data, kind)
        return found or Text("", False)

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        child.wait()

    def _once(self, data: bytes, kind: str) -> Text | None:
        """None: the child died, was killed when its time was over, or talked nonsense."""
        child = self._ready()
        watch = threading.Timer(self._timeout, child.kill)
        watch.start()
        try:
            return self._ask(child, data, kind)
        except (OSError, ValueError, KeyError, TypeError):
            log.info("extraction died", extra={"kind": kind, "octets": len(data)})
            self.close()
            return None
        finally:
            watch.cancel()

    def _ask(self, child: subprocess.Popen[bytes], data: bytes, kind: str) -> Text:
        assert child.stdin is not None and child.stdout is not None  # noqa: PT018  # they are pipes
        child.stdin.write(json.dumps({"kind": kind, "size": len(data)}).encode() + b"\n")
        child.stdin.write(data)
        child.stdin.flush()
        answer = json.loads(child.stdout.readline(1024))
        size = int(answer["size"])
        if not 0 <= size <= _ANSWER_OCTETS:
            raise ValueError("too long")
        text = child.stdout.read(size)
        if len(text) < size:
            raise ValueError("cut")
        self._count += 1
        if self._count >= DOCUMENTS_OF_ONE_CHILD:
            self.close()
        return Text(text.decode("utf-8", "replace"), answer["state"] == "done")

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self.close()
        if self._child is None:
            self._count = 0
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Neither the desk's place nor a password of its database is any of its business.
                env={
                    "PATH": "/usr/bin:/bin",
                    "LANG": "C.UTF-8",
                    "TMPDIR": tempfile.gettempdir(),
                    "PYTHONPATH": ":".join(_paths()),
                },
            )
        return self._child


def _paths() -> list[str]:
    """Where our own packages are found: with an editable installation, or in a checkout, not only in site-packages."""
    return [path for path in sys.path if path]
