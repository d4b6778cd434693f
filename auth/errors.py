"""Every refusal of a login, in words of its own; protocols map them in one table each (SPEC 0.4)."""

from __future__ import annotations


class AuthError(Exception):
    """A login that is refused; its text is safe to show."""


class BadCredentials(AuthError):
    """Unknown login, wrong password, suspended account, app password for other protocols: all alike."""

    def __init__(self) -> None:
        super().__init__("login or password is wrong")


class Throttled(AuthError):
    """Too many failures of this account or from this address (SYS-17); `retry_after_s` counts from now."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many failed logins: try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class TlsRequired(AuthError):
    """A password came over a connection that others can read (SYS-05, RFC 8314 §3.2)."""

    def __init__(self) -> None:
        super().__init__("a password is accepted over an encrypted connection only")


class BadPassword(AuthError):
    """Not acceptable as a new password; the text says why."""
