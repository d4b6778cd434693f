"""Which documents have text to be searched, told by name and media type (DOC-34)."""

from __future__ import annotations

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
