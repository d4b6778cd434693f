"""The letter that asks whether an address is its account's: a link to press on, in the account's language (ACC-02)."""

from __future__ import annotations

from typing import Final

from storage import principals as people
from storage.addresses import Claim
from storage.outbound import letter
from storage.outbound.letter import Person
from storage.store import Transaction
from storage.types import Principal

_TEXTS: Final = {
    "en": (
        "Is {address} yours?",
        "Hello{name},\n\nthe account {login} on Escritoire is to use the address {address}.\n\n"
        "If that is right, open this link within 30 days and press the button:\n\n    {link}\n\n"
        "If not, do nothing: without the link the address is not used.\n",
    ),
    "fr": (
        "L'adresse {address} est-elle la vôtre ?",
        "Bonjour{name},\n\nle compte {login} d'Escritoire doit utiliser l'adresse {address}.\n\n"
        "Si c'est exact, ouvrez ce lien dans les 30 jours et pressez le bouton :\n\n    {link}\n\n"
        "Sinon, ne faites rien : sans ce lien, l'adresse n'est pas utilisée.\n",
    ),
    "de": (
        "Ist {address} Ihre Adresse?",
        "Guten Tag{name},\n\ndas Konto {login} in Escritoire soll die Adresse {address} benutzen.\n\n"
        "Ist das richtig, so öffnen Sie binnen 30 Tagen diesen Link und drücken den Knopf:\n\n    {link}\n\n"
        "Wenn nicht, tun Sie nichts: Ohne den Link wird die Adresse nicht benutzt.\n",
    ),
    "nl": (
        "Is {address} uw adres?",
        "Dag{name},\n\nde account {login} in Escritoire wil het adres {address} gebruiken.\n\n"
        "Klopt dat, open dan binnen 30 dagen deze link en druk op de knop:\n\n    {link}\n\n"
        "Zo niet, doe dan niets: zonder de link wordt het adres niet gebruikt.\n",
    ),
}
"""Subject and text by language; another language gets English (SYS-16)."""


def send(tx: Transaction, account: Principal, claim: Claim, *, link_base: str, domain: str) -> None:
    """Put the letter into the queue, from the desk's postmaster; nobody hears of it if it cannot be delivered."""
    subject, text = _TEXTS.get(people.language_of(tx, account.id), _TEXTS["en"])
    words = {
        "address": claim.address, "login": account.name, "link": link_base + claim.token,
        "name": f" {account.display_name}" if account.display_name else "",
    }  # fmt: skip
    letter.put(
        tx,
        sender=Person(f"postmaster@{domain}", "Escritoire"),
        to=[Person(claim.address)],
        subject=subject.format(**words),
        text=text.format(**words),
        account=account.id,
        bounces=False,
    )
