"""vCard 3.0 and 4.0, each written as the other (RFC 2426, RFC 6350 Appendix A).

What one version has no property for is carried under another name, what neither knows passes unchanged:
3.0 to 4.0 and back says the same, spelled in the usual way.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from storage.formats.contentline import (
    Component,
    Params,
    Property,
    escape_text,
    split_value,
    unescape_text,
)
from storage.formats.vcard import types_of

Converter = Callable[[Property], Property]


def to_4(card: Component) -> Component:
    """Write a 3.0 card as 4.0; VERSION comes first (RFC 6350 §6.7.9)."""
    out = [Property("VERSION", "4.0")]
    handles = {prop.value.partition(":")[2].lower() for prop in card.all("IMPP")}
    for prop in card.properties:
        if prop.name == "VERSION":
            continue
        if (scheme := _MESSENGERS.get(prop.name)) and _HANDLE.fullmatch(prop.value.strip()):
            if prop.value.strip().lower() in handles:  # Apple writes both
                out.append(prop)
            else:
                out.append(_made(_typed_to_4(prop), name="IMPP", value=f"{scheme}:{prop.value.strip()}"))
            continue
        convert = _TO_4.get(prop.name)
        out.append(convert(prop) if convert else prop)
    _labels_into_addresses(out)
    _sort_string_into_name(out)
    return Component("VCARD", out)


def to_3(card: Component) -> Component:
    """Write a 4.0 card as 3.0; N, which 3.0 requires (RFC 2426 §3.1.2), is made of FN where it is missing."""
    out = [Property("VERSION", "3.0")]
    for prop in card.properties:
        if prop.name == "VERSION":
            continue
        convert = _TO_3.get(prop.name)
        out.append(convert(prop) if convert else prop)
        if prop.name == "ADR" and (label := prop.param("LABEL")) is not None:
            out.append(_label_of(out[-1], label))
        elif prop.name == "N" and (key := prop.params_of("SORT-AS")):
            out.append(Property("SORT-STRING", ",".join(escape_text(part) for part in key)))
    if not any(prop.name == "N" for prop in out):
        fn = next((prop.value for prop in out if prop.name == "FN"), "")
        out.insert(1, Property("N", escape_text(unescape_text(fn)) + ";;;;"))
    return Component("VCARD", out)


_MESSENGERS: Final = {
    "X-AIM": "aim",
    "X-GADUGADU": "gg",
    "X-ICQ": "icq",
    "X-JABBER": "xmpp",
    "X-MSN": "msnim",
    "X-SKYPE": "skype",
    "X-SKYPE-USERNAME": "skype",
    "X-YAHOO": "ymsgr",
}
"""Instant messaging before IMPP (RFC 4770), and the URI scheme it becomes (CON-21)."""
_HANDLE: Final = re.compile(r"[A-Za-z0-9._@+-]+")


# --- parameters ------------------------------------------------------------------------------------------------


def _without(params: Params, *names: str) -> Params:
    return [param for param in params if param[0] not in names]


def _types_to_4(prop: Property, *, drop: frozenset[str] = frozenset()) -> Params:
    """TYPE=pref becomes PREF=1 (RFC 6350 §5.3); several TYPEs become one."""
    types = types_of(prop)
    kept = [kind for kind in types if kind.lower() != "pref" and kind.lower() not in drop]
    params = _without(prop.params, "TYPE", "CHARSET")
    if kept:
        params.insert(0, ("TYPE", kept))
    if len(kept) < len(types) and any(k.lower() == "pref" for k in types) and prop.param("PREF") is None:
        params.append(("PREF", ["1"]))
    return params


def _types_to_3(prop: Property) -> Params:
    """PREF=1 becomes TYPE=pref; a weaker preference stays, 3.0 has no word for it."""
    types = types_of(prop)
    params = _without(prop.params, "TYPE")
    if (prop.param("PREF") or "").strip() == "1":
        params = _without(params, "PREF")
        types = [*types, "pref"]
    if types:
        params.insert(0, ("TYPE", types))
    return params


def _made(prop: Property, *, name: str = "", value: str | None = None, params: Params | None = None) -> Property:
    return Property(
        name or prop.name,
        prop.value if value is None else value,
        prop.params if params is None else params,
        prop.group,
        prop.line,
    )


def _typed_to_4(prop: Property) -> Property:
    return _made(prop, params=_types_to_4(prop))


def _typed_to_3(prop: Property) -> Property:
    return _made(prop, params=_types_to_3(prop))


def _email_to_4(prop: Property) -> Property:
    """`internet` is what an EMAIL of 3.0 is anyway (RFC 2426 §3.3.2); 4.0 has no such type."""
    return _made(prop, params=_types_to_4(prop, drop=frozenset({"internet"})))


def _renamed(name: str, convert: Converter) -> Converter:
    return lambda prop: _made(convert(prop), name=name)


def _as_is(prop: Property) -> Property:
    return prop


# --- TEL -------------------------------------------------------------------------------------------------------

_GLOBAL: Final = re.compile(r"(\+[0-9][0-9.()-]*)(?: x([0-9]+))?")
_TEL_URI: Final = re.compile(r"tel:(\+[0-9][0-9.()-]*)(?:;ext=([0-9]+))?", re.IGNORECASE)


def _tel_to_4(prop: Property) -> Property:
    """An international number becomes a tel: URI (RFC 6350 §6.4.1), any other spelling stays text."""
    params = _types_to_4(prop)
    found = _GLOBAL.fullmatch(prop.value)
    if found is None or prop.param("VALUE") is not None:
        return _made(prop, params=params)
    params.append(("VALUE", ["uri"]))
    return _made(prop, value="tel:" + found[1] + (f";ext={found[2]}" if found[2] else ""), params=params)


def _tel_to_3(prop: Property) -> Property:
    params = _types_to_3(prop)
    found = _TEL_URI.fullmatch(unescape_text(prop.value))
    if found is None:
        return _made(prop, params=params)
    value = found[1] + (f" x{found[2]}" if found[2] else "")
    return _made(prop, value=value, params=_without(params, "VALUE"))


# --- PHOTO, LOGO, SOUND, KEY -----------------------------------------------------------------------------------

_FAMILY: Final = {"PHOTO": "image", "LOGO": "image", "SOUND": "audio", "KEY": "application"}
_MEDIA: Final = {"PGP": "application/pgp-keys", "X509": "application/pkix-cert"}
_FORMAT: Final = {media: kind for kind, media in _MEDIA.items()}
_MAGIC: Final = (("/9j/", "jpeg"), ("iVBOR", "png"), ("R0lG", "gif"), ("Qk", "bmp"), ("SUkq", "tiff"), ("TU0A", "tiff"))
_OPAQUE: Final = "application/octet-stream"


def _media_type(name: str, kind: str, encoded: str) -> str:
    if "/" in kind:
        return kind.lower()
    if kind:
        return _MEDIA.get(kind.upper()) or f"{_FAMILY[name]}/{kind.lower()}"
    if _FAMILY[name] == "image":
        return next((f"image/{kind}" for magic, kind in _MAGIC if encoded.startswith(magic)), _OPAQUE)
    return _OPAQUE


def _format(media: str) -> str:
    """3.0's TYPE for a media type, "" for none."""
    media = media.partition(";")[0].strip().lower()
    if not media or media == _OPAQUE:
        return ""
    kind = _FORMAT.get(media) or media.partition("/")[2].upper()
    # Another family than the property's (a PHOTO that is a video) keeps its full name.
    return kind if media in _FORMAT or media.partition("/")[0] in ("image", "audio") else media


def _binary_to_4(prop: Property) -> Property:
    """Octets become a data: URI (RFC 6350 §6.2.4), a link loses its VALUE=uri, which is 4.0's default."""
    kinds = [kind for kind in types_of(prop) if kind.lower() != "pref"]
    if kinds and not _PLAIN_TYPE.fullmatch(kinds[0]):
        return prop
    params = _without(_types_to_4(prop), "TYPE", "ENCODING", "VALUE")
    encoding = (prop.param("ENCODING") or "").upper()
    place = (prop.param("VALUE") or "").lower()
    if encoding in ("B", "BASE64"):
        encoded = "".join(prop.value.split())
        media = _media_type(prop.name, kinds[0] if kinds else "", encoded)
        return _made(prop, value=f"data:{media};base64,{encoded}", params=params)
    if place in ("uri", "url") or _URI.match(prop.value):
        if kinds and not prop.value.lower().startswith("data:"):
            params.append(("MEDIATYPE", [_media_type(prop.name, kinds[0], "")]))
        return _made(prop, params=params)
    return _made(prop, params=[*_without(_types_to_4(prop), "VALUE", "ENCODING"), ("VALUE", ["text"])])


def _binary_to_3(prop: Property) -> Property:
    params = _without(_types_to_3(prop), "MEDIATYPE")
    place = (prop.param("VALUE") or "uri").lower()
    if place == "text":
        return _made(prop, params=_without(params, "VALUE"))
    params = _without(params, "VALUE")
    preferred = [kind for kind in types_of(_made(prop, params=params)) if kind.lower() == "pref"]
    if prop.value[:5].lower() == "data:":
        # Some writers escape the comma as in a text.
        head, comma, body = unescape_text(prop.value)[5:].partition(",")
        media, _, option = head.rpartition(";")
        if option.strip().lower() == "base64":
            encoded = body
        else:
            media, encoded = head, base64.b64encode(unquote_to_bytes(body)).decode("ascii")
        if comma and _is_base64(encoded):
            kind = _format(media)
            params = [("ENCODING", ["b"]), *_with_type(params, [kind] if kind else [], preferred)]
            return _made(prop, value=encoded, params=params)
    kind = _format(prop.param("MEDIATYPE") or "")
    return _made(prop, params=[("VALUE", ["uri"]), *_with_type(params, [kind] if kind else [], preferred)])


def _with_type(params: Params, kinds: list[str], preferred: list[str]) -> Params:
    types = [*kinds, *preferred]
    return [*([("TYPE", types)] if types else []), *_without(params, "TYPE")]


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except (ValueError, binascii.Error):
        return False
    return True


_PLAIN_TYPE: Final = re.compile(r"[A-Za-z0-9.+/_-]+")
_URI: Final = re.compile(r"(?:https?|ftp|data|cid|urn|file|ldap|content):", re.IGNORECASE)


# --- dates -----------------------------------------------------------------------------------------------------

_EXTENDED: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?")
_BASIC: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(\.\d+)?(Z|[+-]\d\d(?:\d\d)?)?)?")
_YEARLESS: Final = re.compile(r"--(\d\d)-?(\d\d)")
_NO_YEAR: Final = "1604"
"""The leap year that Apple's Contacts writes where there is none, and says so in X-APPLE-OMIT-YEAR."""


def _date_to_4(prop: Property) -> Property:
    """Extended spelling becomes basic (RFC 6350 §4.3.1); what is no date becomes a text."""
    params = _without(_types_to_4(prop), "VALUE")
    place = (prop.param("VALUE") or "").lower()
    value = prop.value.strip()
    if found := _EXTENDED.fullmatch(value):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        if prop.param("X-APPLE-OMIT-YEAR") == year and hour is None:
            return _made(prop, value=f"--{month}{day}", params=_without(params, "X-APPLE-OMIT-YEAR"))
        text = year + month + day
        if hour:
            text += f"T{hour}{minute}{second or ''}{fraction or ''}{(zone or '').replace(':', '')}"
        return _made(prop, value=text, params=params)
    if found := _YEARLESS.fullmatch(value):
        return _made(prop, value=f"--{found[1]}{found[2]}", params=params)
    if _BASIC.fullmatch(value) or (re.match(r"[0-9T-]", value) and place != "text"):
        return _made(prop, value=value, params=params)
    return _made(prop, params=[*params, ("VALUE", ["text"])])


def _date_to_3(prop: Property) -> Property:
    """Basic becomes extended; a date without a year as Apple writes it, for 3.0 has none."""
    place = (prop.param("VALUE") or "").lower()
    params = _types_to_3(prop)
    if place == "text":
        return _made(prop, params=params)
    params = _without(params, "VALUE")
    if found := _BASIC.fullmatch(prop.value.strip()):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        text = f"{year}-{month}-{day}"
        if hour:
            text += f"T{hour}:{minute}" + (f":{second}" if second else "") + (fraction or "")
            if zone and zone != "Z":
                zone = f"{zone[:3]}:{zone[3:] or '00'}"
            text += zone or ""
        return _made(prop, value=text, params=params)
    if found := _YEARLESS.fullmatch(prop.value.strip()):
        params = [*_without(params, "X-APPLE-OMIT-YEAR"), ("X-APPLE-OMIT-YEAR", [_NO_YEAR])]
        return _made(prop, value=f"{_NO_YEAR}-{found[1]}-{found[2]}", params=params)
    return _made(prop, params=params)


# --- GEO, TZ, GENDER, RELATED, LABEL, SORT-STRING --------------------------------------------------------------

_PAIR: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*\\?[;,]\s*(-?\d+(?:\.\d+)?)\s*")
_GEO_URI: Final = re.compile(r"geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", re.IGNORECASE)


def _geo_to_4(prop: Property) -> Property:
    found = _PAIR.fullmatch(prop.value)
    return _made(prop, value=f"geo:{found[1]},{found[2]}") if found else prop


def _geo_to_3(prop: Property) -> Property:
    found = _GEO_URI.fullmatch(unescape_text(prop.value).strip())
    if found is None:
        return prop
    return _made(prop, value=f"{found[1]};{found[2]}", params=_without(_types_to_3(prop), "VALUE"))


_OFFSET_3: Final = re.compile(r"([+-]\d\d):?(\d\d)")
_OFFSET_4: Final = re.compile(r"([+-]\d\d)(\d\d)?")


def _tz_to_4(prop: Property) -> Property:
    """An offset is 3.0's default and a text 4.0's (RFC 6350 §6.5.1)."""
    params = _without(prop.params, "VALUE")
    if (prop.param("VALUE") or "utc-offset").lower() == "utc-offset":
        if found := _OFFSET_3.fullmatch(prop.value.strip()):
            return _made(prop, value=found[1] + found[2], params=[*params, ("VALUE", ["utc-offset"])])
        return _made(prop, params=params)
    return _made(prop, params=params if (prop.param("VALUE") or "").lower() == "text" else prop.params)


def _tz_to_3(prop: Property) -> Property:
    place = (prop.param("VALUE") or "text").lower()
    params = _without(_types_to_3(prop), "VALUE")
    if place == "utc-offset" and (found := _OFFSET_4.fullmatch(prop.value.strip())):
        return _made(prop, value=f"{found[1]}:{found[2] or '00'}", params=params)
    return _made(prop, params=[*params, ("VALUE", [place])])


_SEXES: Final = {"male": "M", "female": "F", "other": "O", "none": "N", "unknown": "U"}


def _gender_to_4(prop: Property) -> Property:
    """`Male` becomes `M;Male` (RFC 6350 §6.2.7); a value of 4.0's own form passes."""
    if ";" in prop.value or prop.value.strip().upper() in ("", "M", "F", "O", "N", "U"):
        return _made(prop, name="GENDER")
    return _made(prop, name="GENDER", value=f"{_SEXES.get(prop.value.strip().lower(), '')};{prop.value}")


def _gender_to_3(prop: Property) -> Property:
    sex, _, text = prop.value.partition(";")
    if text and ";" not in text and _SEXES.get(text.strip().lower(), "") == sex:
        return _made(prop, name="X-GENDER", value=text)
    return _made(prop, name="X-GENDER")


def _document_to_4(prop: Property) -> Property:
    """A linked document (CON-22)."""
    return _made(prop, name="RELATED", params=[*_without(prop.params, "VALUE"), ("VALUE", ["uri"])])


def _related_to_3(prop: Property) -> Property:
    """A link to a page or file without a relation is a document (CON-22); other relations keep their name."""
    web = prop.value[:8].lower().startswith(("http://", "https://"))
    if web and not types_of(prop) and (prop.param("VALUE") or "uri").lower() == "uri":
        return _made(prop, name="X-ESCRITOIRE-DOCUMENT", params=_without(prop.params, "VALUE"))
    return _made(prop)


def _labels_into_addresses(out: list[Property]) -> None:
    """3.0's LABEL is a parameter of its address in 4.0 (RFC 6350 §6.3.1); one without such an address stays."""
    if not any(prop.name == "LABEL" for prop in out):
        return
    addresses: dict[tuple[str, frozenset[str]], list[Property]] = {}
    for prop in out:
        if prop.name == "ADR" and prop.param("LABEL") is None:
            addresses.setdefault(_place_of(prop), []).append(prop)
    kept: list[Property] = []
    for prop in out:
        same = addresses.get(_place_of(prop), []) if prop.name == "LABEL" else []
        text = unescape_text(prop.value)
        if len(same) == 1 and not _without(prop.params, "TYPE") and "\\n" not in text.lower():  # see `_label_of`
            same.pop().params.append(("LABEL", [text]))
        else:
            kept.append(prop)
    out[:] = kept


def _place_of(prop: Property) -> tuple[str, frozenset[str]]:
    return prop.group, frozenset(kind.lower() for kind in types_of(prop)) - {"pref"}


def _label_of(address: Property, label: str) -> Property:
    """A line break in LABEL is `\\n`, as RFC 6350 §6.3.1 writes its example, or `^n` (RFC 6868)."""
    params: Params = [("TYPE", types)] if (types := types_of(address)) else []
    label = label.replace("\\n", "\n").replace("\\N", "\n")
    return _made(address, name="LABEL", value=escape_text(label), params=params)


def _sort_string_into_name(out: list[Property]) -> None:
    """3.0's SORT-STRING is N's SORT-AS in 4.0 (RFC 6350 §5.9)."""
    name = next((prop for prop in out if prop.name == "N"), None)
    key = next((prop for prop in out if prop.name == "SORT-STRING"), None)
    if name is None or key is None or key.params or key.group or name.param("SORT-AS") is not None:
        return
    name.params = [*name.params, ("SORT-AS", [unescape_text(part) for part in split_value(key.value, ",")])]
    out[:] = [prop for prop in out if prop is not key]


def _address_to_3(prop: Property) -> Property:
    return _made(prop, params=_without(_types_to_3(prop), "LABEL"))


def _name_to_4(prop: Property) -> Property:
    return _made(prop, params=list(prop.params))


def _name_to_3(prop: Property) -> Property:
    return _made(prop, params=_without(prop.params, "SORT-AS"))


_TO_4: Final[Mapping[str, Converter]] = {
    "N": _name_to_4,
    "ADR": _typed_to_4,
    "LABEL": _as_is,
    "EMAIL": _email_to_4,
    "IMPP": _typed_to_4,
    "URL": _typed_to_4,
    "TEL": _tel_to_4,
    "PHOTO": _binary_to_4,
    "LOGO": _binary_to_4,
    "SOUND": _binary_to_4,
    "KEY": _binary_to_4,
    "BDAY": _date_to_4,
    "REV": _date_to_4,
    "X-ANNIVERSARY": _renamed("ANNIVERSARY", _date_to_4),
    "GEO": _geo_to_4,
    "TZ": _tz_to_4,
    "X-GENDER": _gender_to_4,
    "X-ESCRITOIRE-LANG": _renamed("LANG", _typed_to_4),
    "X-ESCRITOIRE-DOCUMENT": _document_to_4,
    "X-ADDRESSBOOKSERVER-KIND": _renamed("KIND", _as_is),
    "X-ADDRESSBOOKSERVER-MEMBER": _renamed("MEMBER", _as_is),
}
"""Properties of 3.0 that 4.0 writes otherwise; any other passes as it is."""

_TO_3: Final[Mapping[str, Converter]] = {
    "N": _name_to_3,
    "ADR": _address_to_3,
    "EMAIL": _typed_to_3,
    "IMPP": _typed_to_3,
    "URL": _typed_to_3,
    "TEL": _tel_to_3,
    "PHOTO": _binary_to_3,
    "LOGO": _binary_to_3,
    "SOUND": _binary_to_3,
    "KEY": _binary_to_3,
    "BDAY": _date_to_3,
    "REV": _date_to_3,
    "ANNIVERSARY": _renamed("X-ANNIVERSARY", _date_to_3),
    "GEO": _geo_to_3,
    "TZ": _tz_to_3,
    "GENDER": _gender_to_3,
    "LANG": _renamed("X-ESCRITOIRE-LANG", _typed_to_3),
    "RELATED": _related_to_3,
    "KIND": _renamed("X-ADDRESSBOOKSERVER-KIND", _as_is),
    "MEMBER": _renamed("X-ADDRESSBOOKSERVER-MEMBER", _as_is),
}
"""The same for 4.0."""
