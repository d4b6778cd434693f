"""Where the link in the mail about a contact's data leads: a form that shows them, to confirm or change (CON-08).

Looking changes nothing: programs that look at mails follow every link in them, but they press nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from servers.feeds import pages
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage import contact_checks
from storage.contact_checks import Question
from storage.errors import BadFormat, Denied, Locked, NotFound, Refused, Stale, TooLarge
from storage.formats.contact_edit import FIELDS
from storage.formats.contact_labels import label
from storage.store import Store
from storage.types import PUBLIC

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
_FORM_OCTETS: Final = 64 * 1024
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_USUAL: Final = (
    *("prefix", "given", "family", "company", "department", "function"),
    *("email_1", "email_2", "email_3", "phone_mobile", "phone_work", "phone_home", "fax_work"),
    *("work_street", "work_postcode", "work_city", "work_country"),
    *("home_street", "home_postcode", "home_city", "home_country", "web", "language"),
)
"""Fields that are asked for even where nothing is held."""


@dataclass(frozen=True, slots=True)
class _Words:
    """One language's sentences."""

    title: str
    ask: str
    right: str
    save: str
    thanks: str
    changed: str
    name: str
    long: str
    later: str


_TEXTS: Final = {
    "en": _Words(
        "Are these your data?", "{who} keeps them in an address book. Empty a field to erase it.", "All is right",
        "Save the changes", "Thank you. {who} has been told; you may close this page.",
        "The data were changed meanwhile: please look again.", "A name, a company or an address must remain.",
        "That is too long: a field has at most 500 characters.", "Somebody is at work on these data: try again later.",
    ),
    "fr": _Words(
        "Ces données sont-elles les vôtres ?",
        "{who} les conserve dans un carnet d'adresses. Videz un champ pour l'effacer.", "Tout est exact",
        "Enregistrer", "Merci. {who} est prévenu ; vous pouvez fermer cette page.",
        "Les données ont changé entre-temps : regardez encore.", "Un nom, une société ou une adresse doit rester.",
        "C'est trop long : un champ a 500 caractères au plus.", "Quelqu'un modifie ces données : réessayez plus tard.",
    ),
    "de": _Words(
        "Sind das Ihre Daten?", "{who} führt sie in einem Adressbuch. Leeren Sie ein Feld, um es zu löschen.",
        "Alles stimmt", "Änderungen speichern", "Danke. {who} weiß Bescheid; Sie können diese Seite schließen.",
        "Die Daten wurden inzwischen geändert: Sehen Sie bitte noch einmal hin.",
        "Ein Name, eine Firma oder eine Adresse muss bleiben.",
        "Das ist zu lang: Ein Feld hat höchstens 500 Zeichen.",
        "Jemand bearbeitet diese Daten gerade: Versuchen Sie es später noch einmal.",
    ),
    "nl": _Words(
        "Zijn dit uw gegevens?", "{who} bewaart ze in een adresboek. Maak een veld leeg om het te wissen.",
        "Alles klopt", "Wijzigingen bewaren", "Dank u. {who} is ingelicht; u kunt deze pagina sluiten.",
        "De gegevens zijn intussen gewijzigd: kijk nog eens.", "Een naam, een bedrijf of een adres moet blijven.",
        "Dat is te lang: een veld heeft hoogstens 500 tekens.",
        "Iemand werkt aan deze gegevens: probeer het later nog eens.",
    ),
}  # fmt: skip


def is_link(segments: tuple[str, ...]) -> bool:
    """Whether a path is such a link; somebody may be called `contact`, but no feed of his looks like a token."""
    return len(segments) == 3 and segments[:2] == ("feeds", "contact") and bool(_TOKEN.match(segments[2]))


def meet(store: Store, request: Request) -> Response:
    """Show the data, or take the answer.

    Raises:
        HttpError: 405, 413.
    """
    allowed = [("Allow", ", ".join(METHODS))]
    if request.method not in METHODS:
        raise HttpError(405, "read it, or press a button", headers=allowed)
    if request.method == "OPTIONS":
        return Response(204, allowed)
    token = request.segments[2]
    try:
        with store.read(PUBLIC) as tx:
            asked = contact_checks.question(tx, token)
        if request.method != "POST":
            return _show(asked, asked.row)
        return _take(store, token, asked, _fields(request))
    except (NotFound, Denied):
        gone = "<p>It was used already, it is older than 30 days, or the contact is gone.</p>"
        return pages.form("This link no longer works", gone, status=404)


def _take(store: Store, token: str, asked: Question, fields: Mapping[str, str]) -> Response:
    words = _words(asked)
    wanted = {field: text for field, text in fields.items() if field in FIELDS}
    try:
        with store.write(PUBLIC) as tx:
            if fields.get("answer") == "right":
                contact_checks.confirm(tx, token)
            elif fields.get("answer") == "save":
                contact_checks.change(tx, token, fields.get("etag", ""), wanted)
            else:
                return _show(asked, asked.row, status=400)
    except Stale:
        with store.read(PUBLIC) as tx:
            asked = contact_checks.question(tx, token)
        return _show(asked, asked.row, words.changed, 409)
    except BadFormat:
        return _show(asked, {**asked.row, **wanted}, words.name, 400)
    except (Refused, TooLarge):
        return _show(asked, {**asked.row, **wanted}, words.long, 400)
    except Locked:
        return _show(asked, {**asked.row, **wanted}, words.later, 423)
    said = html.escape(words.thanks.format(who=asked.asker))
    return pages.form(words.title, f"<p>{said}</p>")


def _show(asked: Question, row: Mapping[str, str], said: str = "", status: int = 200) -> Response:
    words = _words(asked)
    fields = [field for field in FIELDS if field in _USUAL or row.get(field) or asked.row.get(field)]
    inputs = "".join(_input(field, row.get(field, ""), asked.language) for field in fields)
    told = f'<p role="alert"><strong>{html.escape(said)}</strong></p>' if said else ""
    body = (
        f"<p>{html.escape(words.ask.format(who=asked.asker))}</p>{told}"
        f'<form method="post"><p><button name="answer" value="right">{words.right}</button></p></form>'
        f'<form method="post"><input type="hidden" name="etag" value="{html.escape(asked.etag)}">'
        f"<table>{inputs}</table>"
        f'<p><button name="answer" value="save">{words.save}</button></p></form>'
    )
    return pages.form(words.title, body, status=status)


def _input(field: str, value: str, language: str) -> str:
    shown = html.escape(" ".join(value.split()))
    return (
        f'<tr><th><label for="{field}">{html.escape(label(field, language))}</label></th>'
        f'<td><input id="{field}" name="{field}" value="{shown}"></td></tr>'
    )


def _words(asked: Question) -> _Words:
    return _TEXTS.get(asked.language.partition("-")[0], _TEXTS["en"])


def _fields(request: Request) -> dict[str, str]:
    """The form's fields, the first of each name."""
    body = request.body(_FORM_OCTETS).decode("utf-8", "replace")
    try:
        found = parse_qs(body, keep_blank_values=True, max_num_fields=len(FIELDS) + 10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items() if "\0" not in values[0]}
