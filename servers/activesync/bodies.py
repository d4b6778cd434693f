"""AirSyncBase:Body: the form that a device wants, cut where it wants it ([MS-ASAIRS] §2.2.2.9)."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace

from servers.activesync.options import HTML, MIME, PLAIN, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase
from storage.formats import message_text


def body(forms: Mapping[int, str], wanted: tuple[Preference, ...]) -> Element | None:
    """The Body element of a text that exists in these forms (`PLAIN`, `HTML`); None if none is wanted.

    The form that the text has goes before one that it must be turned into.
    """
    by_kind = {one.kind: one for one in wanted}
    if wanted and not {PLAIN, HTML} & by_kind.keys():
        # A whole message or RTF alone is wanted and cannot be had: better the text as it is than nothing.
        kind = HTML if HTML in forms else PLAIN
        by_kind[kind] = replace(wanted[0], kind=kind)
    for kind in (HTML, PLAIN):
        if kind in by_kind and kind in forms and not _is_spared(forms[kind], by_kind[kind]):
            return _cut(kind, forms[kind], by_kind[kind])
    for kind in (PLAIN, HTML):
        if kind in by_kind:
            return _cut(kind, _turned(forms, kind), by_kind[kind])
    return None


def is_as_shown(said: Element, forms: Mapping[int, str], wanted: tuple[Preference, ...]) -> bool:
    """Whether a device gives back the Body that it was shown, which may be cut, or turned into another form.

    It says nothing of what it never had.
    """
    if said.text_of(AirSyncBase.Truncated) == "1":
        return True
    shown = body(forms, wanted)
    if shown is None:
        return False
    given, told = (
        (one.text_of(AirSyncBase.Type), (one.text_of(AirSyncBase.Data) or "").replace("\r\n", "\n").strip())
        for one in (said, shown)
    )
    return given == told


def part(forms: Mapping[int, str], wanted: Preference) -> Element:
    """The BodyPart element, which is HTML ([MS-ASAIRS] §2.2.2.10): the whole text, what it quotes is not told apart."""
    shown = _cut(HTML, _turned(forms, HTML), wanted)
    return AirSyncBase.BodyPart(AirSyncBase.Status(1), *shown.children)


def mime(data: bytes, size: int | None) -> Element:
    """A whole message; what is no UTF-8 in it reaches the device as UTF-8 all the same."""
    text = data.decode("utf-8", "replace")
    return _cut(MIME, text, Preference(MIME, size, False, 0))


def _is_spared(text: str, wanted: Preference) -> bool:
    """AllOrNone: rather another form than a part of this one."""
    return wanted.all_or_none and wanted.size is not None and len(text.encode("utf-8", "replace")) > wanted.size


def _turned(forms: Mapping[int, str], kind: int) -> str:
    if kind in forms:
        return forms[kind]
    if kind == PLAIN:
        return message_text.plain(forms[HTML]) if HTML in forms else ""
    escaped = html.escape(forms.get(PLAIN, ""), quote=False).replace("\r\n", "\n").replace("\n", "<br>\r\n")
    return f"<html><body>{escaped}</body></html>"


def _cut(kind: int, text: str, wanted: Preference) -> Element:
    octets = text.encode("utf-8", "replace")
    shown, cut = text, False
    if wanted.size is not None and len(octets) > wanted.size:
        # AllOrNone with nothing else to offer: no text at all rather than a part of it.
        shown = "" if wanted.all_or_none else octets[: wanted.size].decode("utf-8", "ignore")
        cut = True
    preview = None
    if wanted.preview:
        plain = message_text.plain(text) if kind == HTML else text
        preview = AirSyncBase.Preview.given(" ".join(plain[: 20 * wanted.preview].split())[: wanted.preview])
    return AirSyncBase.Body(
        AirSyncBase.Type(kind),
        AirSyncBase.EstimatedDataSize(len(octets)),
        AirSyncBase.Truncated(1) if cut else None,
        AirSyncBase.Data.given(shown),
        preview,
    )
