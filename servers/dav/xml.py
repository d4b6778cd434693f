"""Reading XML requests, with everything dangerous switched off; answers are written as text elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from servers.dav.errors import refuse
from servers.dav.names import DAV
from servers.dav.settings import DavSettings
from servers.http.errors import BadRequest
from servers.http.request import Request

Element = etree._Element

_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def body(request: Request, settings: DavSettings) -> etree._Element | None:
    """The root element of a request's body; None if the body is empty.

    Raises:
        BadRequest: it is not well-formed, or too deep.
        HttpError: 413; 403 with DAV:no-external-entities for a document type (RFC 4918 §20.6).
    """
    data = request.body(settings.max_xml_octets)
    return parse(data, settings.max_xml_depth) if data.strip() else None


def parse(data: bytes, max_depth: int = 64) -> etree._Element:
    """The root element of a document; comments and processing instructions are dropped.

    Raises:
        BadRequest: it is not well-formed, or too deep.
        HttpError: 403 for a document type declaration.
    """
    if _DOCTYPE.search(data):
        raise refuse(403, f"{DAV}no-external-entities", reason="no document type is accepted")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise BadRequest(f"the body is not well-formed XML (line {line or 0})") from None
    if root.getroottree().docinfo.internalDTD is not None:  # hidden in another encoding
        raise refuse(403, f"{DAV}no-external-entities", reason="no document type is accepted")
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > max_depth:
            raise BadRequest(f"the body is nested deeper than {max_depth} elements")
    return root


def expect(root: etree._Element | None, *names: str) -> etree._Element:
    """The root, if it is one of these elements.

    Raises:
        BadRequest: it is missing or another one.
    """
    if root is None:
        raise BadRequest("a body is required")
    if root.tag not in names:
        raise BadRequest("the body's root element is not the one expected here")
    return root


def children(element: etree._Element, name: str | None = None) -> Iterator[etree._Element]:
    """Child elements, of one name if given."""
    return element.iterchildren(name) if name else element.iterchildren("{*}*", "{}*")


def child(element: etree._Element, name: str) -> etree._Element | None:
    """The first child of this name."""
    return element.find(name)


def text(element: etree._Element | None) -> str:
    """The text directly in an element, without surrounding white space; "" for None."""
    return (element.text or "").strip() if element is not None else ""


def all_text(element: etree._Element | None) -> str:
    """All text inside an element, without surrounding white space; "" for None."""
    return "".join([str(part) for part in element.itertext()]).strip() if element is not None else ""


def tag(element: etree._Element) -> str:
    """The element's Clark name."""
    return str(element.tag)


def hrefs(element: etree._Element, settings: DavSettings) -> list[str]:
    """The DAV:href children's texts, in order.

    Raises:
        HttpError: 403 when there are more than the site accepts in one request.
    """
    found = [(href.text or "").strip() for href in element.iterchildren(f"{DAV}href")]
    if len(found) > settings.max_hrefs:
        raise refuse(
            403,
            f"{DAV}number-of-matches-within-limits",
            reason=f"more than {settings.max_hrefs} resources in one request",
        )
    return found


def serialise(element: etree._Element) -> str:
    """An element as text that declares its own namespaces (for dead properties and lock owners).

    An xml:lang in scope is kept with it (RFC 4918 §4.3).
    """
    if _LANG not in element.attrib:
        spoken = next((str(one.get(_LANG)) for one in element.iterancestors() if _LANG in one.attrib), "")
        if spoken:
            element.set(_LANG, spoken)
    tail, element.tail = element.tail, None
    try:
        return etree.tostring(element, encoding="unicode")
    finally:
        element.tail = tail
