"""Write the file that `escritoire init` leaves: short, with what an operator changes first."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from conf.errors import ConfError, Problem
from conf.load import FILE_NAME, parse
from conf.settings import Settings

_MINIMAL: Final = """\
# Settings of this desk. Every key with its default and meaning is in conf/examples/everything.toml.

domain = {domain}
listen = {listen}
port_base = {port_base}
"""

_DATABASE: Final = """
[database]
url = {url}
"""

_FRONT: Final = """
[front]
enabled = true
tls = {tls}
listen = [{listen}]
https_port = {https_port}
http_port = {http_port}
"""


def write(
    directory: Path,
    *,
    domain: str,
    listen: str,
    port_base: int,
    database_url: str = "",
    front_tls: str = "",
    front_listen: tuple[str, ...] = (),
    https_port: int = 443,
    http_port: int = 80,
    first: Callable[[Settings], None] = lambda _: None,
) -> Settings:
    """Write `directory`/escritoire.toml, readable by its owner only, and return what it says.

    The front is on when `front_tls` names its mode. `first` is done before the file is there: when it fails, whoever
    called may begin again.

    Raises:
        ConfError: the values contradict a rule, or a desk is there already; then nothing was written.
    """
    text = _MINIMAL.format(domain=_string(domain), listen=_string(listen), port_base=port_base)
    if database_url:
        text += _DATABASE.format(url=_string(database_url))
    if front_tls:
        text += _FRONT.format(
            tls=_string(front_tls),
            listen=", ".join(_string(address) for address in front_listen),
            https_port=https_port,
            http_port=http_port,
        )
    path = directory / FILE_NAME
    settings = parse(text, path)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.path.lexists(path):
            raise FileExistsError
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        first(settings)
        _create(path, text)
    except FileExistsError:
        raise ConfError(str(path), (Problem(0, "", "is there already; this desk was opened before"),)) from None
    except OSError as error:
        raise ConfError(str(path), (Problem(0, "", f"cannot be written: {error.strerror}"),)) from None
    return settings


def _create(path: Path, text: str) -> None:
    """The whole file, or none."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        path.unlink()
        raise


def _string(value: str) -> str:
    """A TOML basic string (TOML 1.0, section String)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if ord(c) >= 32 and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
