"""How `email` writes the mails that the desk makes: what a header is given stays one line of it (RFC 5322 §2.2).

`email` reads encoded words (RFC 2047) in what it is given, and writes what they hold, line ends too: whoever calls
himself, a document or an event `=?utf-8?q?=0d=0aBcc=3a...?=` would write fields into the mails of others (SYS-17).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.policy import EmailPolicy
from typing import Any, Final

_NOT_SHOWN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_UTF8: Final = re.compile("[\ud800-\udfff]")


def one_line(text: str) -> str:
    """A text without controls and line ends, and without what would be read as an encoded word."""
    return _NOT_UTF8.sub("\ufffd", _NOT_SHOWN.sub(" ", text)).replace("=?", "= ?")


class _Policy(EmailPolicy):
    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return super().header_store_parse(name, _plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "name"):  # else it is a field already
        return one_line(value)
    if isinstance(value, Address):
        return Address(one_line(value.display_name), one_line(value.username), value.domain)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


POLICY: Final = _Policy(linesep="\r\n")
POLICY_UTF8: Final = _Policy(linesep="\r\n", utf8=True)
"""For mails whose addresses are not all ASCII (RFC 6532)."""
