"""The text of a task or a note: DESCRIPTION, and as HTML X-ALT-DESC ([MS-ASAIRS] §2.2.2.9, NOTE-02)."""

from __future__ import annotations

import re
from typing import Final

from servers.activesync import bodies, html_text
from servers.activesync.classes import property_text
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.options import HTML, PLAIN, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase
from storage.formats.contentline import Component, Property, escape_text, unescape_text
from storage.formats.vcard import listed

_MOST: Final = 1_000_000
"""Characters of a text."""
_CATEGORIES: Final = 300
_FORMATTED: Final = re.compile(r"<(?!/|!|(?:html|head|body|meta|title|div|p|br)\b)[a-z]", re.IGNORECASE)


def forms(component: Component) -> dict[int, str]:
    """The forms that the text exists in; HTML only if it still says what DESCRIPTION says.

    A program that knows DESCRIPTION alone leaves an older HTML beside a newer text.
    """
    text = "\n".join(unescape_text(one.value) for one in component.all("DESCRIPTION"))
    markup = component.get("X-ALT-DESC")
    if markup is None or (markup.param("FMTTYPE") or "").lower() != "text/html":
        return {PLAIN: text}
    found = unescape_text(markup.value)
    return {PLAIN: text, HTML: found} if _words(html_text.plain(found)) == _words(text) else {PLAIN: text}


def write(component: Component, data: Element, context: Context) -> None:
    """Take over the Body that a device sends; one that was cut off says nothing, and the same one changes nothing.

    Raises:
        Unconvertible: it has more than a million characters.
    """
    said = data.find(AirSyncBase.Body)
    if said is None or bodies.is_as_shown(said, forms(component), context.options.bodies):
        return
    given = said.text_of(AirSyncBase.Data) or ""
    if len(given) > _MOST:
        raise Unconvertible("too long a text")
    now = forms(component)
    if said.text_of(AirSyncBase.Type) != str(HTML):
        text, markup = property_text.clean(given, _MOST), ""
        if text == property_text.clean(now[PLAIN], _MOST):
            return
    else:
        text, markup = property_text.clean(html_text.plain(given), _MOST), property_text.clean(given, _MOST)
        if markup == property_text.clean(_shown(now), _MOST):
            return
        if _FORMATTED.search(markup) is None:
            markup = ""
        same = _words(text) == _words(now[PLAIN])
        if same and not markup and HTML not in now:
            return
        if same:
            text = now[PLAIN]  # other letters, not other words: lines stay as they are
    _put(component, "DESCRIPTION", text, [])
    _put(component, "X-ALT-DESC", markup, [("FMTTYPE", ["text/html"])])


def write_line(component: Component, name: str, said: str) -> None:
    """Give a component a text of one line, or take it out; the same one, spaces around it aside, changes nothing."""
    text = property_text.clean(said)
    if text != property_text.clean(unescape_text(component.value(name))):
        property_text.set_text(component, name, text)


def categories(component: Component) -> list[str]:
    """Its categories, as many as a device takes ([MS-ASTASK] §2.2.2.6, [MS-ASNOTE] §2.2.2.3)."""
    return listed(component.all("CATEGORIES"))[:_CATEGORIES]


def write_categories(component: Component, said: Element | None) -> None:
    """Take over the Categories that a device sends, None for none at all; those that it was not shown stay."""
    names = [] if said is None else [text for one in said.children if (text := property_text.clean(one.text))]
    if names == [text for one in categories(component) if (text := property_text.clean(one))]:
        return
    names = names[:_CATEGORIES] + listed(component.all("CATEGORIES"))[_CATEGORIES:]
    component.properties = [one for one in component.properties if one.name != "CATEGORIES"]
    if names:
        component.properties.append(Property("CATEGORIES", ",".join(escape_text(name) for name in names)))


def _shown(now: dict[int, str]) -> str:
    """The HTML that a device was given."""
    if HTML in now:
        return now[HTML]
    body = bodies.body(now, (Preference(HTML, None, False, 0),))
    return "" if body is None else body.text_of(AirSyncBase.Data) or ""


def _words(text: str) -> str:
    return "".join(text.split())


def _put(component: Component, name: str, text: str, params: list[tuple[str, list[str]]]) -> None:
    """One property with that text, where the first of its name was; none without text."""
    found = component.all(name)
    if len(found) == 1 and unescape_text(found[0].value) == text and text:
        return
    if not text:
        component.properties = [one for one in component.properties if one.name != name]
        return
    prop = Property(name, escape_text(text), params)
    if not found:
        component.properties.append(prop)
        return
    at = component.properties.index(found[0])
    component.properties[at] = prop
    component.properties = [one for one in component.properties if one.name != name or one is prop]
