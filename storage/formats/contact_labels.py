"""What the fields of a contact are called, in the languages that the desk writes (SYS-16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PLAIN: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "prefix": ("Title", "Civilité", "Anrede", "Aanspreking"),
    "given": ("First name", "Prénom", "Vorname", "Voornaam"),
    "middle": ("Middle name", "Deuxième prénom", "Weiterer Vorname", "Tweede voornaam"),
    "family": ("Last name", "Nom", "Nachname", "Achternaam"),
    "suffix": ("Suffix", "Suffixe", "Namenszusatz", "Achtervoegsel"),
    "nickname": ("Nickname", "Surnom", "Spitzname", "Bijnaam"),
    "company": ("Company", "Société", "Firma", "Bedrijf"),
    "department": ("Department", "Service", "Abteilung", "Afdeling"),
    "function": ("Function", "Fonction", "Position", "Functie"),
    "profession": ("Profession", "Profession", "Beruf", "Beroep"),
    "email": ("E-mail", "E-mail", "E-Mail", "E-mail"),
    "im": ("Instant messaging", "Messagerie instantanée", "Sofortnachrichten", "Chat"),
    "web": ("Web page", "Page web", "Webseite", "Webpagina"),
    "web_home": ("Private web page", "Page web privée", "Private Webseite", "Privéwebpagina"),
    "language": ("Language (en, fr, …)", "Langue (en, fr, …)", "Sprache (en, fr, …)", "Taal (en, fr, …)"),
    "birthday": ("Birthday", "Anniversaire", "Geburtstag", "Verjaardag"),
    "anniversary": ("Anniversary", "Jour anniversaire", "Jahrestag", "Jubileum"),
    "phone_mobile": ("Mobile phone", "Téléphone mobile", "Mobiltelefon", "Mobiele telefoon"),
    "phone_work": ("Office phone", "Téléphone bureau", "Telefon geschäftlich", "Telefoon werk"),
    "phone_home": ("Private phone", "Téléphone privé", "Telefon privat", "Telefoon thuis"),
    "phone_other": ("Other phone", "Autre téléphone", "Weiteres Telefon", "Andere telefoon"),
    "phone": ("Phone", "Téléphone", "Telefon", "Telefoon"),
    "fax_work": ("Office fax", "Fax bureau", "Fax geschäftlich", "Fax werk"),
    "fax_home": ("Private fax", "Fax privé", "Fax privat", "Fax thuis"),
    "fax_other": ("Other fax", "Autre fax", "Weiteres Fax", "Andere fax"),
}
_PLACES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "work": ("Office", "Bureau", "Geschäftlich", "Werk"),
    "home": ("Private", "Privé", "Privat", "Thuis"),
    "other": ("Other", "Autre", "Weitere", "Andere"),
}
_PARTS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "pobox": ("PO box", "boîte postale", "Postfach", "postbus"),
    "extended": ("address line 2", "complément d'adresse", "Adresszusatz", "adresregel 2"),
    "street": ("street", "rue", "Straße", "straat"),
    "city": ("city", "ville", "Ort", "plaats"),
    "region": ("region", "région", "Region", "regio"),
    "postcode": ("postal code", "code postal", "Postleitzahl", "postcode"),
    "country": ("country", "pays", "Land", "land"),
}
_LANGUAGES: Final = {"en": 0, "fr": 1, "de": 2, "nl": 3}


def label(field: str, language: str) -> str:
    """The name of a field of `flat_contact` in a language (a tag); in English where it is none of ours."""
    column = _LANGUAGES.get(language.partition("-")[0], 0)
    stem, _, last = field.rpartition("_")
    if stem in _PLACES and last in _PARTS:
        return f"{_PLACES[stem][column]}: {_PARTS[last][column]}"
    if field in _PLAIN:
        return _PLAIN[field][column]
    if last.isdigit() and stem in _PLAIN:
        return f"{_PLAIN[stem][column]} {last}"
    return f"{_PLAIN['phone'][column]} ({field.removeprefix('phone_').replace('_', ' ')})"
