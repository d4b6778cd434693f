"""The command of a request: which, of which device, in which version ([MS-ASHTTP] §2.2.1.1.1)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from servers.http.errors import BadRequest
from servers.http.request import Request

COMMANDS: Final[Mapping[int, str]] = {
    0: "Sync", 1: "SendMail", 2: "SmartForward", 3: "SmartReply", 4: "GetAttachment", 5: "GetHierarchy",
    9: "FolderSync", 10: "FolderCreate", 11: "FolderDelete", 12: "FolderUpdate", 13: "MoveItems", 14: "GetItemEstimate",
    15: "MeetingResponse", 16: "Search", 17: "Settings", 18: "Ping", 19: "ItemOperations", 20: "Provision",
    21: "ResolveRecipients", 22: "ValidateCert", 23: "Find",
}  # fmt: skip
"""Codes of the base64 form ([MS-ASHTTP] §2.2.1.1.1.1.2)."""
_TAGS: Final[Mapping[int, str]] = {
    0: "attachmentname", 1: "collectionid", 3: "itemid", 4: "longid", 6: "occurrence", 7: "options", 8: "user",
}  # fmt: skip
_DEVICE: Final = re.compile(r"[!-~]{1,64}")
_QUERY_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Query:
    """What stands in the URL and in the header fields beside it."""

    command: str
    version: int
    """Times ten."""
    device_id: str
    device_type: str
    policy_key: int
    """0 where there is none."""
    parameters: Mapping[str, str]
    """Further ones, names in lower case."""
    multipart: bool
    """The client takes multipart answers of ItemOperations."""


def read(request: Request) -> Query:
    """Read either form of the query.

    Raises:
        BadRequest: it is neither, or the device has no name.
    """
    if len(request.query) > _QUERY_MAX:
        raise BadRequest("the query is too long")
    # What proxies put behind a base64 value is none of it.
    first = request.query if "cmd=" in request.query.lower() else request.query.partition("&")[0]
    found = _plain(request) if "=" in first.rstrip("=") else _packed(request)
    if not _DEVICE.fullmatch(found.device_id):
        raise BadRequest("a DeviceId of 1 to 32 characters is needed")
    return found


def _plain(request: Request) -> Query:
    values = {name.lower(): value for name, value in parse_qsl(request.query, keep_blank_values=True)}
    version = request.header("MS-ASProtocolVersion") or "12.1"
    key = request.header("X-MS-PolicyKey") or "0"
    return Query(
        command=values.pop("cmd", ""),
        version=_version(version),
        device_id=values.pop("deviceid", ""),
        device_type=values.pop("devicetype", "")[:64],
        policy_key=int(key) if key.isascii() and key.isdecimal() and len(key) < 11 else -1,
        parameters=values,
        multipart=(request.header("MS-ASAcceptMultiPart") or "").upper() == "T",
    )


def _version(text: str) -> int:
    whole, _, part = text.strip().partition(".")
    if not (whole.isascii() and whole.isdecimal() and len(whole) < 3 and (part or "0") in "0123456789"):
        raise BadRequest("MS-ASProtocolVersion is not a version")
    return int(whole) * 10 + int(part or "0")


def _packed(request: Request) -> Query:
    text = unquote(request.query.partition("&")[0]).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("the query is neither parameters nor base64") from None
    reader = _Octets(octets)
    version, code = reader.one(), reader.one()
    reader.take(2)  # the locale
    device = reader.take(reader.one())
    key = int.from_bytes(reader.take(reader.one()), "little")
    kind = reader.take(reader.one())
    values: dict[str, str] = {}
    options = 0
    while reader.left:
        tag, value = reader.one(), reader.take(reader.one())
        if tag == 7:
            options = value[0] if value else 0
        elif tag in _TAGS:
            values[_TAGS[tag]] = value.decode("utf-8", "replace")
    if options & 1:
        values["saveinsent"] = "T"
    printable = device.isascii() and device.decode("ascii", "replace").isprintable()
    return Query(
        command=COMMANDS.get(code, ""),
        version=version,
        device_id=device.decode("ascii") if printable else device.hex(),
        device_type=kind.decode("utf-8", "replace")[:64],
        policy_key=key,
        parameters=values,
        multipart=bool(options & 2),
    )


class _Octets:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._octets) - self._at

    def one(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise BadRequest("the base64 query is cut off")
        self._at += count
        return self._octets[self._at - count : self._at]
