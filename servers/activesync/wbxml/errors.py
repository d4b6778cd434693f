"""What the decoder answers to octets that are no document."""

from __future__ import annotations


class Malformed(Exception):
    """The octets are no WBXML document that ActiveSync knows; the peer's fault, answered with HTTP 400.

    The text says what is wrong and at which octet; it never repeats what the document holds.
    """
