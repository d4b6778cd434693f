"""Contacts as LDIF: what Thunderbird, Mozilla and directories export (RFC 2849, RFC 2798; CON-23).

A subset: entries, also as `changetype: add`. Nothing is fetched from a URL, changes and deletions are refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from storage.errors import BadFormat
from storage.formats.contacts_csv import decoded
from storage.formats.contentline import Property, escape_text
from storage.formats.flat_contact import EMAILS, Row, card_of, clean, row_of
from storage.formats.vcard import Card, made

MAXIMUM_ENTRIES: Final = 100_000

Entry = dict[str, list[bytes]]

_FIELDS: Final[dict[str, str]] = {
    "cn": "fn",
    "displayname": "fn",
    "sn": "family",
    "surname": "family",
    "givenname": "given",
    "initials": "middle",
    "personaltitle": "prefix",
    "generationqualifier": "suffix",
    "mozillanickname": "nickname",
    "xmozillanickname": "nickname",
    "o": "company",
    "company": "company",
    "organizationname": "company",
    "ou": "department",
    "department": "department",
    "departmentnumber": "department",
    "orgunit": "department",
    "title": "function",
    "employeetype": "profession",
    "preferredlanguage": "language",
    "telephonenumber": "phone_work",
    "homephone": "phone_home",
    "mobile": "phone_mobile",
    "cellphone": "phone_mobile",
    "carphone": "phone_car",
    "pager": "phone_pager",
    "pagerphone": "phone_pager",
    "facsimiletelephonenumber": "fax_work",
    "fax": "fax_work",
    "mozillahomefacsimiletelephonenumber": "fax_home",
    "internationalisdnnumber": "phone_isdn",
    "telexnumber": "phone_telex",
    "street": "work_street",
    "streetaddress": "work_street",
    "mozillaworkstreet2": "work_extended",
    "postofficebox": "work_pobox",
    "l": "work_city",
    "locality": "work_city",
    "st": "work_region",
    "region": "work_region",
    "postalcode": "work_postcode",
    "c": "work_country",
    "countryname": "work_country",
    "co": "work_country",
    "mozillahomestreet": "home_street",
    "homestreet": "home_street",
    "mozillahomestreet2": "home_extended",
    "mozillahomelocalityname": "home_city",
    "mozillahomestate": "home_region",
    "mozillahomepostalcode": "home_postcode",
    "mozillahomecountryname": "home_country",
    "mozillaworkurl": "web",
    "workurl": "web",
    "labeleduri": "web",
    "url": "web",
    "mozillahomeurl": "web_home",
    "homeurl": "web_home",
    "description": "comment",
    "notes": "comment",
    "entryuuid": "uid",
    "nsaimid": "im_1",
    "mozillacategories": "categories",
}
"""Attribute (lower case, without options) to field; several of one field keep the first."""

_MAIL: Final = ("mail", "email", "rfc822mailbox", "mozillasecondemail", "xmozillasecondemail", "mozillathirdemail")
_GROUPS: Final = frozenset({b"groupofnames", b"groupofuniquenames", b"mozillaabgroup"})
_PERSONS: Final = frozenset(
    {b"person", b"inetorgperson", b"organizationalperson", b"mozillaabpersonalpha", b"mozillaabpersonobsolete"}
)
_ATTRIBUTE: Final = re.compile(r"([A-Za-z0-9.-]+)((?:;[A-Za-z0-9-]+)*):(:|<)?[ ]*(.*)", re.DOTALL)

_WRITTEN: Final[tuple[tuple[str, str], ...]] = (
    ("family", "sn"),
    ("given", "givenName"),
    ("middle", "initials"),
    ("prefix", "personalTitle"),
    ("suffix", "generationQualifier"),
    ("nickname", "mozillaNickname"),
    ("email_1", "mail"),
    ("email_2", "mozillaSecondEmail"),
    ("email_3", "mozillaThirdEmail"),
    ("phone_work", "telephoneNumber"),
    ("phone_home", "homePhone"),
    ("fax_work", "facsimileTelephoneNumber"),
    ("fax_home", "mozillaHomeFacsimileTelephoneNumber"),
    ("phone_pager", "pager"),
    ("phone_mobile", "mobile"),
    ("phone_car", "carPhone"),
    ("phone_isdn", "internationaliSDNNumber"),
    ("phone_telex", "telexNumber"),
    ("home_street", "mozillaHomeStreet"),
    ("home_extended", "mozillaHomeStreet2"),
    ("home_city", "mozillaHomeLocalityName"),
    ("home_region", "mozillaHomeState"),
    ("home_postcode", "mozillaHomePostalCode"),
    ("home_country", "mozillaHomeCountryName"),
    ("work_street", "street"),
    ("work_extended", "mozillaWorkStreet2"),
    ("work_pobox", "postOfficeBox"),
    ("work_city", "l"),
    ("work_region", "st"),
    ("work_postcode", "postalCode"),
    ("work_country", "c"),
    ("function", "title"),
    ("profession", "employeeType"),
    ("department", "ou"),
    ("company", "o"),
    ("language", "preferredLanguage"),
    ("web", "mozillaWorkUrl"),
    ("web_home", "mozillaHomeUrl"),
    ("im_1", "nsAIMid"),
    ("categories", "mozillaCategories"),
    ("comment", "description"),
    ("uid", "entryUUID"),
)


def read(data: bytes, *, limit: int = MAXIMUM_ENTRIES) -> Iterator[Card | BadFormat]:
    """Give a card, or what is wrong with it and at which line, for each entry; at most `limit` entries.

    Entries that are no persons or lists (organizational units, the base) are passed over.

    Raises:
        BadFormat: more entries than `limit`, an unknown version, or NUL characters.
    """
    count = 0
    for begin, lines in _records(decoded(data)):
        if count == 0 and lines[0][1].lower().startswith("version:"):
            if lines[0][1].partition(":")[2].strip() != "1":
                raise BadFormat("an unknown version of LDIF", lines[0][0])
            lines = lines[1:]
            if not lines:
                continue
            begin = lines[0][0]
        count += 1
        if count > limit:
            raise BadFormat(f"more than {limit} entries", begin)
        try:
            card = _card(_entry(lines))
        except BadFormat as error:
            yield BadFormat(error.reason, error.line or begin)
        else:
            if card is not None:
                yield card


def write(cards: Iterable[Card]) -> bytes:
    """LDIF version 1 with Mozilla's attributes, one entry per card (RFC 2849)."""
    out = ["version: 1"]
    for card in cards:
        row = row_of(card)
        name = row.get("fn", "")
        mail = row.get("email_1", "")
        distinguished = f"cn={_escaped(name)}" + (f",mail={_escaped(mail)}" if mail else "")
        out += ["", _line("dn", distinguished)]
        out += [f"objectclass: {kind}" for kind in _CLASSES]
        out.append(_line("cn", name))
        for field, attribute in _WRITTEN:
            if value := row.get(field):
                out.append(_line(attribute, value))
        if found := re.fullmatch(r"(\d{4}|-)-(\d\d)-(\d\d)", row.get("birthday", "")):
            parts = (("birthyear", found[1]), ("birthmonth", found[2]), ("birthday", found[3]))
            out += [_line(attribute, value) for attribute, value in parts if value != "-"]
    return ("\n".join(out) + "\n").encode("utf-8")


_CLASSES: Final = ("top", "person", "organizationalPerson", "inetOrgPerson", "mozillaAbPersonAlpha")


def _records(text: str) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Records with the line they begin at; lines unfolded, comments gone (RFC 2849 notes 2 and 3)."""
    record: list[tuple[int, list[str]]] = []
    comment = False
    for number, line in enumerate(chain(text.split("\n"), ("",)), 1):
        line = line.removesuffix("\r")
        if line[:1] == " ":
            if not comment and record:
                record[-1][1].append(line[1:])
            continue
        comment = line[:1] == "#"
        if line and not comment:
            record.append((number, [line]))
        elif not line and record:
            yield record[0][0], [(at, "".join(pieces)) for at, pieces in record]
            record = []


def _entry(lines: list[tuple[int, str]]) -> Entry:
    """Attribute (lower case) to its values as octets.

    Raises:
        BadFormat: with the line.
    """
    entry: Entry = {}
    for number, line in lines:
        found = _ATTRIBUTE.fullmatch(line)
        if found is None:
            raise BadFormat(f"not an attribute: {line[:40]!r}", number)
        name, kind, text = found[1].lower(), found[3], found[4]
        if kind == "<":
            continue  # RFC 2849: a URL to read the value from; we read nobody's files
        if kind == ":":
            try:
                value = base64.b64decode("".join(text.split()), validate=True)
            except ValueError:  # binascii.Error, or letters that are not ASCII
                raise BadFormat(f"{found[1][:40]} is not base64", number) from None
        else:
            value = text.rstrip(" ").encode("utf-8", "replace")
        if name == "changetype" and value.lower() != b"add":
            raise BadFormat("only additions can be imported", number)
        entry.setdefault(name, []).append(value)
    if "dn" not in entry:
        raise BadFormat("an entry without dn", lines[0][0])
    return entry


def _card(entry: Entry) -> Card | None:
    """The card of an entry, None for one that is nobody."""
    classes = {value.lower() for value in entry.get("objectclass", [])}
    row: Row = {}
    for attribute, values in entry.items():
        field = _FIELDS.get(attribute, "")
        value = _text(values[-1] if field == "department" else values[0])
        if field and value and (field not in row or attribute == "cn"):
            row[field] = value
    mails = dict.fromkeys(_text(value) for name in _MAIL for value in entry.get(name, []))
    mails.pop("", None)
    row.update({f"email_{number}": mail for number, mail in enumerate(list(mails)[:EMAILS], 1)})
    if more := list(mails)[EMAILS:]:
        row["comment"] = "\n".join(filter(None, [row.get("comment", ""), *more]))  # CON-05
    _birthday(entry, row)
    if classes & _GROUPS:
        return _group(entry, row)
    if classes and not classes & _PERSONS and not mails and "family" not in row:
        return None
    if row.keys() <= {"uid"}:
        return None
    return _with_photo(card_of(row), entry)


def _text(value: bytes) -> str:
    try:
        return clean(value.decode("utf-8"))
    except UnicodeDecodeError:
        return clean(value.decode("cp1252", "replace"))


def _birthday(entry: Entry, row: Row) -> None:
    parts = [_text(entry.get(name, [b""])[0]) for name in ("birthyear", "birthmonth", "birthday")]
    year, month, day = (int(part) if part.isascii() and part.isdigit() else 0 for part in parts)
    if 1 <= month <= 12 and 1 <= day <= 31:
        row["birthday"] = f"{year:04}-{month:02}-{day:02}" if 0 < year <= 9999 else f"--{month:02}-{day:02}"


def _group(entry: Entry, row: Row) -> Card:
    """A mailing list, as Apple's clients write a group in 3.0; members by their address."""
    out = [
        Property("FN", escape_text(row.get("fn", ""))),
        Property("N", f"{escape_text(row.get('fn', ''))};;;;"),
        Property("X-ADDRESSBOOKSERVER-KIND", "group"),
    ]
    if row.get("uid"):
        out.insert(0, Property("UID", escape_text(row["uid"])))
    if row.get("comment"):
        out.append(Property("NOTE", escape_text(row["comment"])))
    for member in (*entry.get("member", []), *entry.get("uniquemember", [])):
        found = re.search(r"(?:\A|,)\s*mail=([^,\s]+)", _text(member), re.IGNORECASE)
        if found:
            out.append(Property("X-ADDRESSBOOKSERVER-MEMBER", f"mailto:{found[1]}"))
    return made(out)


def _with_photo(card: Card, entry: Entry) -> Card:
    """Put in jpegPhoto, which is octets (RFC 2798 §2.6)."""
    octets = next((value for value in entry.get("jpegphoto", []) if value[:2] == b"\xff\xd8"), b"")
    if not octets:
        return card
    encoded = base64.b64encode(octets).decode("ascii")
    photo = Property("PHOTO", encoded, [("ENCODING", ["b"]), ("TYPE", ["JPEG"])])
    return made([*(prop for prop in card.component.properties if prop.name != "VERSION"), photo])


def _line(attribute: str, value: str) -> str:
    """One attribute, in base64 where RFC 2849's SAFE-STRING cannot say it."""
    safe = value.isascii() and not re.search(r"[\0\r\n]", value) and value[:1] not in " :<" and value[-1:] != " "
    if safe:
        line = f"{attribute}: {value}"
    else:
        line = f"{attribute}:: {base64.b64encode(value.encode('utf-8')).decode('ascii')}"
    return "\n ".join([line[:76], *(line[at : at + 75] for at in range(76, len(line), 75))])


def _escaped(text: str) -> str:
    """An attribute value in a distinguished name (RFC 4514 §2.4)."""
    return re.sub(r'([,+"\\<>;=#])', r"\\\1", text)
