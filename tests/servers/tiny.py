"""A WSGI application that says what reached it, served as a protocol's process is: `python tiny.py FILE`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from conf.load import load
from conf.settings import Settings
from servers import process, renewal


def make(settings: Settings) -> Callable[..., Iterable[bytes]]:
    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        octets = 0
        while block := environ["wsgi.input"].read(65536):
            octets += len(block)
        time.sleep(float(environ["QUERY_STRING"] or 0))
        said = {"pid": os.getpid(), "parent": os.getppid(), "octets": octets, "domain": settings.domain}
        body = json.dumps(said).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return application


if __name__ == "__main__":
    renewal.LOOK_S = 0.1  # type: ignore[misc]
    process.run(load(Path(sys.argv[1])), "caldav", make)
