"""Prefer and Brief: what a client would rather get (RFC 7240, RFC 8144)."""

from __future__ import annotations

from dataclasses import dataclass

from servers.http.request import Request


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences that we know."""

    minimal: bool = False
    """`return=minimal`, or `Brief: t` (RFC 8144 §2.1)."""
    representation: bool = False
    """`return=representation` (RFC 8144 §3)."""
    noroot: bool = False
    """`depth-noroot` (RFC 8144 §4)."""

    def applied(self, *names: str) -> list[tuple[str, str]]:
        """The Preference-Applied field for those that were honoured (RFC 7240 §3)."""
        return [("Preference-Applied", ", ".join(names))] if names else []


NONE = Preferences()


def of(request: Request) -> Preferences:
    """Read them; the first value of a preference counts (RFC 7240 §2)."""
    value = request.environ.get("HTTP_PREFER")
    brief = request.environ.get("HTTP_BRIEF")
    if value is None and brief is None:
        return NONE
    wanted: dict[str, str] = {}
    for part in (value or "").split(","):
        name, _, argument = part.partition(";")[0].partition("=")
        wanted.setdefault(name.strip().lower(), argument.strip().strip('"').lower())
    if "return-representation" in wanted:  # as drafts of RFC 7240 had it, and Apple's programs have it still
        wanted.setdefault("return", "representation")
    minimal = wanted.get("return") == "minimal"
    if value is None or "return" not in wanted:
        minimal = (brief or "").strip().lower() == "t"
    return Preferences(minimal, wanted.get("return") == "representation", "depth-noroot" in wanted)
