"""What lies on the virtual disk: folders and files as values, and the rules that names and places follow."""

from __future__ import annotations

import fnmatch
import mimetypes
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from storage.errors import Conflict
from storage.types import Collection, CollectionId, Item, ModSeq, Row, SpaceKind, Tool

DOCS: Final = "docs"
"""Root of a space's documents; what clients mount (DOC-01)."""

FAVOURITES: Final = "favourites"
"""Root of a space's bookmarks (FAV-01)."""

TRASH: Final = "Trash"
WIKI: Final = "wiki"
DROP_BOX: Final = "Drop box"
WEB: Final = "web"
GROUP_INFO: Final = "wiki/groupinfo"
FEED: Final = "calendar.ics"
"""The file that every root shows and nobody can touch (CALSYNC-15)."""

START_PAGE: Final = "wiki/index.html"
LEVELS_MAX: Final = 100
"""Folders below a root whatever the plan says."""

NAME_OCTETS: Final = 255
_WORK: Final = re.compile(
    "|".join(fnmatch.translate(one) for one in ("~$*", ".~lock.*", "*.tmp", "._*", ".ds_store", "thumbs.db"))
)


class Special(Enum):
    """Folders with a part of their own (DOC-05)."""

    ROOT = "root"
    TRASH = "trash"
    WIKI = "wiki"
    DROP_BOX = "drop-box"
    WEB = "web"
    INFOS = "infos"


FIXED: Final = frozenset({Special.ROOT, Special.TRASH, Special.WIKI, Special.DROP_BOX, Special.INFOS})
"""Those that cannot be renamed, moved or deleted."""

_SPECIAL: Final = {
    "": Special.ROOT,
    TRASH: Special.TRASH,
    WIKI: Special.WIKI,
    DROP_BOX: Special.DROP_BOX,
    WEB: Special.WEB,
    GROUP_INFO: Special.INFOS,
}


@dataclass(frozen=True, slots=True)
class Folder(Collection):
    """One folder as the actor sees it; `name` is its whole path in the space, the root's name included."""

    root: str
    """DOCS or FAVOURITES."""
    path: str
    """Below the root; "" is the root itself."""
    special: Special | None
    parent: CollectionId | None
    """The folder it is in; None for a root."""
    creator: int
    """Account that made it; 0 = the suite, or somebody who left."""
    flagged: bool
    """The public may see the folder, whatever the folders above it say (DOC-39)."""
    published: bool
    """All that is in it is public, at any depth (DOC-37)."""
    trashed_from: str
    """Where it was, below the root, when it was deleted; "" if it was not (DOC-26)."""
    trashed_at: float
    listed_modseq: ModSeq
    """Its own number in its parent's log."""
    used: bool
    """A file was ever in it."""
    octets: int
    """Of its files, as stored."""

    @property
    def title(self) -> str:
        """The last segment of the path; "" for the root."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class File(Item):
    """One file as the actor sees it. `body` is there only if it was asked for and lies in the row."""

    folder: Folder
    blob: str | None
    """Key in the blob store; None where `body` holds it or the actor may not read it."""
    description: str
    downloads: int
    flagged: bool
    """The public may see it, if it may see the folders above it (DOC-39)."""
    restricted: bool
    """"All members see" was unticked (ACL-09)."""
    trashed_from: str
    trashed_at: float
    depositor: int
    """Account that put it into the drop box; 0 = nobody did."""
    twin: int
    """The same number for all placements of one document (DOC-17); 0 = it has one."""

    @property
    def path(self) -> str:
        """Below the root."""
        return join(self.folder.path, self.name)

    @property
    def work(self) -> bool:
        """A client's work file (DOC-28)."""
        return is_work_file(self.name)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, or could be."""

    folder: Folder
    name: str
    present: Folder | File | None
    taken: bool
    """Something has this name, visible to the actor or not."""
    plan_limits: str | None = None
    """Of the space's plan, as stored; None if they were not read with it."""


class Details(NamedTuple):
    """What is known of a file beyond a listing's row."""

    description: str = ""
    downloads: int = 0
    flagged: bool = False
    trashed_from: str = ""
    trashed_at: float = 0.0
    depositor: str = ""
    """Login."""


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """`types.Changes` of a folder: its files and its direct subfolders."""

    items: tuple[Row, ...]
    folders: tuple[Folder, ...]
    removed: tuple[str, ...]
    """Names that nothing has now."""
    modseq: ModSeq
    bound: ModSeq
    truncated: bool
    gone: tuple[str, ...] = ()
    """What was removed as it was listed: a folder with a slash, also where a file has its name now."""


def clean_name(name: str) -> str:
    """The name as it is stored: NFC, at most 255 octets (SYS-13). Case and Windows' own rules are left to clients.

    Raises:
        Conflict: it is empty, a dot segment, too long, or holds control characters, a slash or half a character.
    """
    clean = unicodedata.normalize("NFC", name)
    if not clean or clean in {".", ".."}:
        raise Conflict("this cannot be a name")
    plain = clean.isascii() and clean.isprintable()  # nearly every name, judged without a look at each character
    if "/" in clean or (not plain and any(unicodedata.category(one) in {"Cc", "Cs"} for one in clean)):
        raise Conflict("a name holds no control characters and no slash")
    if len(clean.encode()) > NAME_OCTETS:
        raise Conflict(f"a name has at most {NAME_OCTETS} octets")
    return clean


_NOWHERE: Final = "\ufffd/."


def clean_path(path: str) -> str:
    """A path as it is stored; one that nothing can have becomes one that nothing has."""
    clean = path.strip("/")
    if clean.isascii():
        return _NOWHERE if "\0" in clean else clean
    clean = unicodedata.normalize("NFC", clean)
    return _NOWHERE if "\0" in clean or any("\ud800" <= one <= "\udfff" for one in clean) else clean


def join(folder: str, name: str) -> str:
    """`name` below `folder`, which may be ""."""
    return f"{folder}/{name}" if folder and name else folder or name


def split(path: str) -> tuple[str, str]:
    """The folder and the last segment of a path."""
    folder, _, name = path.rpartition("/")
    return folder, name


def above(path: str) -> list[str]:
    """All folders above a path, the outermost first: "a/b/c" gives "a", "a/b"."""
    names = path.split("/")
    return ["/".join(names[:count]) for count in range(1, len(names))]


def levels(path: str) -> int:
    """How many folders deep a folder's path below the root is (DOC-07)."""
    return path.count("/") + 1 if path else 0


def is_within(path: str, folder: str) -> bool:
    """Whether a path is `folder` or below it."""
    return path == folder or path.startswith(folder + "/")


def special(kind: SpaceKind, root: str, path: str) -> Special | None:
    """The part that a folder at this path has."""
    if root != DOCS:
        return None if path else Special.ROOT
    found = _SPECIAL.get(path)
    if found is Special.DROP_BOX and kind is SpaceKind.GROUP:
        return None
    return None if found is Special.INFOS and kind is SpaceKind.PRIVATE else found


def tool(kind: SpaceKind, root: str, path: str) -> Tool:
    """The tool, hence the rights, of a folder at this path (tables 3.2 and 3.3, INFO-03)."""
    if root == FAVOURITES:
        return Tool.FAVOURITES
    if kind is SpaceKind.GROUP and is_within(path, GROUP_INFO):
        return Tool.INFOS
    if kind is SpaceKind.PRIVATE and path == DROP_BOX:
        return Tool.DROP_BOX
    return Tool.DOCUMENTS


def in_trash(folder: Folder) -> bool:
    """Whether the folder is the Trash or was thrown into it."""
    return folder.root == DOCS and is_within(folder.path, TRASH)


def is_work_file(name: str) -> bool:
    """Whether a name is that of a client's work file: lock, temporary or system file (DOC-28)."""
    return _WORK.match(name.lower()) is not None


def numbered(name: str, number: int) -> str:
    """`name` made different by ` (2)` and so on, before its extension, and still short enough (DOC-26)."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > 16:
        stem, dot, extension = name, "", ""
    tail = f" ({number}){dot}{extension}"
    while len((stem + tail).encode()) > NAME_OCTETS:
        stem = stem[:-1]
    return stem + tail


UNTYPED: Final = "application/octet-stream"


def media_type(name: str, given: str = "") -> str:
    """The media type of a file: what the client said, unless it says nothing by it, else by the name."""
    said = given.partition(",")[0].strip()
    plain = said.partition(";")[0].strip().lower()
    usable = len(said) <= 255 and said.isascii() and said.isprintable() and plain.count("/") == 1
    if usable and plain not in {UNTYPED, "binary/octet-stream", "application/x-www-form-urlencoded"}:
        return said
    kind, coding = _types().guess_type(name)
    if coding:
        return _CODED.get(coding, UNTYPED)  # what is in it is not what is sent: RFC 9110 §8.4 knows no coding of ours
    return kind or UNTYPED


def renamed_type(former: str, name: str, kind: str) -> str:
    """The media type of a file that gets another name: what a client said stays, what the name said follows it.

    Programs save `report.odt` as `report.tmp` first (DOC-28). A name that says nothing changes nothing.
    """
    if kind not in (UNTYPED, media_type(former)):
        return kind
    said = media_type(name)
    return kind if said == UNTYPED else said


def _types() -> mimetypes.MimeTypes:
    global _known
    if _known is None:
        # The module's own table and nothing of the machine's: every installation answers the same.
        _known = mimetypes.MimeTypes()
        for extension, kind in _EXTENSIONS.items():
            _known.add_type(kind, extension)
    return _known


_known: mimetypes.MimeTypes | None = None
_CODED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_EXTENSIONS: Final = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".rtf": "application/rtf",
    ".md": "text/markdown",
    ".url": "application/internet-shortcut",
    ".xbel": "application/x-xbel+xml",
    ".webp": "image/webp",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".m4v": "video/x-m4v",
    ".mkv": "video/x-matroska",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".7z": "application/x-7z-compressed",
    ".epub": "application/epub+zip",
    ".odg": "application/vnd.oasis.opendocument.graphics",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
}
