"""Which documents have text to be searched, told by name and media type (DOC-34)."""

from __future__ import annotations

import re
from typing import Final

HTML: Final = "text/html"
TEXT: Final = "text/plain"

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_OASIS: Final = "application/vnd.oasis.opendocument."
_BY_EXTENSION: Final = {
    "doc": "application/msword",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "docm": f"{_OFFICE}wordprocessingml.document",
    "dotx": f"{_OFFICE}wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "xlsm": f"{_OFFICE}spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": f"{_OFFICE}presentationml.presentation",
    "ppsx": f"{_OFFICE}presentationml.presentation",
    "odt": f"{_OASIS}text",
    "ods": f"{_OASIS}spreadsheet",
    "odp": f"{_OASIS}presentation",
    "pdf": "application/pdf",
    "rtf": "application/rtf",
    "htm": HTML,
    "html": HTML,
    "xhtml": HTML,
    **dict.fromkeys(("txt", "text", "md", "markdown", "csv", "tsv", "log", "rst", "tex", "org", "adoc"), TEXT),
}
_KNOWN: Final = frozenset(_BY_EXTENSION.values())
_LIKE: Final = {"text/rtf": "application/rtf", "application/xhtml+xml": HTML}


def of(name: str, media_type: str) -> str | None:
    """The media type by which a document's text is read, or None if it has none that we could read."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension in _BY_EXTENSION:
        return _BY_EXTENSION[extension]
    said = media_type.partition(";")[0].strip().lower()
    said = _LIKE.get(said, said)
    if said in _KNOWN:
        return said
    # Source code, calendars and cards are text too, but nothing that one searches for among documents.
    return TEXT if said.startswith("text/") and not extension else None


_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = b"PK\x03\x04"
_BEFORE_2007: Final = {_BY_EXTENSION[f"{one}x"]: _BY_EXTENSION[one] for one in ("doc", "xls", "ppt")}
_PARTS: Final = {
    b"word/document": _BY_EXTENSION["docx"],
    b"xl/workbook": _BY_EXTENSION["xlsx"],
    b"ppt/presentation": _BY_EXTENSION["pptx"],
    **{b"mimetype" + _BY_EXTENSION[one].encode(): _BY_EXTENSION[one] for one in ("odt", "ods", "odp")},
}
_PAGE: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE)
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def by_content(kind: str, data: bytes) -> str:
    """The media type by which a document of `kind` is read in truth; its name may be that of another format.

    Word itself writes RTF as `.doc`, and much that exports to `.xls` writes a page or a table of text.
    """
    if kind in (TEXT, HTML):
        return kind
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"{\\rtf"):
        return _BY_EXTENSION["rtf"]
    if b"%PDF-" in head:
        return _BY_EXTENSION["pdf"]
    if head.startswith(_OLE):
        return _BEFORE_2007.get(kind, kind)
    if head.startswith(_ZIP):
        inside = [found for part, found in _PARTS.items() if part in data]
        return kind if kind in inside or not inside else inside[0]  # one may be embedded in the other
    if head.startswith(b"<") and _PAGE.search(head):
        return HTML
    return TEXT if kind in _BEFORE_2007.values() and not _NO_TEXT.search(data[:65_536]) else kind
