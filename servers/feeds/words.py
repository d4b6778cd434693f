"""The words of the desk in feeds and pages, in the language of who reads (ACC-03); others get English."""

from __future__ import annotations

from typing import Final

_LANGUAGES: Final = ("fr", "de", "nl")

_WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "today": ("aujourd'hui", "heute", "vandaag"),
    "this week": ("cette semaine", "diese Woche", "deze week"),
    "this month": ("ce mois-ci", "dieser Monat", "deze maand"),
    "the next 30 days": ("les 30 prochains jours", "die nächsten 30 Tage", "de komende 30 dagen"),
    "Where: {}": ("Lieu : {}", "Ort: {}", "Waar: {}"),
    "Organizer: {}": ("Organisateur : {}", "Organisator: {}", "Organisator: {}"),
    "Busy": ("Occupé", "Belegt", "Bezet"),
    "Cancelled: {}": ("Annulé : {}", "Abgesagt: {}", "Afgelast: {}"),
    "Tentative: {}": ("Provisoire : {}", "Vorläufig: {}", "Voorlopig: {}"),
    "(no title)": ("(sans titre)", "(ohne Titel)", "(zonder titel)"),
    "(no subject)": ("(sans objet)", "(kein Betreff)", "(geen onderwerp)"),
    "recent changes": ("changements récents", "letzte Änderungen", "recente wijzigingen"),
    "What was added or changed lately.": (
        "Ce qui a été ajouté ou modifié récemment.",
        "Was zuletzt dazukam oder geändert wurde.",
        "Wat onlangs toegevoegd of gewijzigd werd.",
    ),
    "Added in {}": ("Ajouté dans {}", "Neu in {}", "Toegevoegd in {}"),
    "Changed in {}": ("Modifié dans {}", "Geändert in {}", "Gewijzigd in {}"),
    "Documents": ("Documents", "Dokumente", "Documenten"),
    "Favourites": ("Favoris", "Lesezeichen", "Favorieten"),
    "infos": ("infos", "Mitteilungen", "mededelingen"),
    "Messages of the administrators.": (
        "Messages des administrateurs.",
        "Mitteilungen der Verwalter.",
        "Mededelingen van de beheerders.",
    ),
    "reminders": ("rappels", "Erinnerungen", "herinneringen"),
    "Reminders that wait, the next one first.": (
        "Les rappels en attente, le prochain d'abord.",
        "Erinnerungen, die anstehen, die nächste zuerst.",
        "Herinneringen die wachten, de eerstvolgende bovenaan.",
    ),
    "{} found": ("{} trouvés", "{} gefunden", "{} gevonden"),
    "{} unread of {}": ("{} non lus sur {}", "{} von {} ungelesen", "{} van {} ongelezen"),
    "Home": ("Accueil", "Startseite", "Startpagina"),
    "There is no page {}.": (
        "La page {} n'existe pas.",
        "Eine Seite {} gibt es nicht.",
        "Er is geen pagina {}.",
    ),
    "Create it by saving an HTML file as {}": (
        "Pour la créer, enregistrez un fichier HTML sous {}",
        "Sie entsteht, wenn Sie eine HTML-Datei als {} speichern",
        "Maak ze door een HTML-bestand te bewaren als {}",
    ),
    "This page is too long to be shown: {}": (
        "Cette page est trop longue pour être affichée : {}",
        "Diese Seite ist zu lang, um gezeigt zu werden: {}",
        "Deze pagina is te lang om te tonen: {}",
    ),
}


def say(language: str, text: str, *values: object) -> str:
    """A text, given in English, in a language (without its region), with the values for its `{}`."""
    if language in _LANGUAGES:
        text = _WORDS[text][_LANGUAGES.index(language)]
    return text.format(*values)
