"""What is written about an invitation into a group: the letter to the guest, the news of a refusal (GRP-09, SYS-16)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from storage import principals as people
from storage.groups import Sheet
from storage.store import Transaction

if TYPE_CHECKING:  # that module asks this one for its texts
    from storage.invitations import Letter

_TEXTS: Final = {
    "en": (
        "{admin} invites you to the group {group}",
        "Hello{name},\n\n{admin} invites you to join the group {group} on Escritoire, a virtual office whose"
        " calendar, contacts, documents and mail you open with the programs you already use.\n\n"
        "To join, open this link within 30 days and log in to your account:\n\n    {link}\n\n"
        "If you have no account yet, please ask the administrator of this site for one.\n",
    ),
    "fr": (
        "{admin} vous invite dans le groupe {group}",
        "Bonjour{name},\n\n{admin} vous invite à rejoindre le groupe {group} dans Escritoire, un bureau virtuel"
        " dont l'agenda, les contacts, les documents et le courrier s'ouvrent avec vos programmes habituels.\n\n"
        "Pour le rejoindre, ouvrez ce lien dans les 30 jours et connectez-vous à votre compte :\n\n"
        "    {link}\n\nSi vous n'avez pas encore de compte, demandez-en un à l'administrateur de ce site.\n",
    ),
    "de": (
        "{admin} lädt Sie in die Gruppe {group} ein",
        "Guten Tag{name},\n\n{admin} lädt Sie ein, der Gruppe {group} in Escritoire beizutreten, einem virtuellen"
        " Büro, dessen Kalender, Kontakte, Dokumente und Post Sie mit Ihren gewohnten Programmen öffnen.\n\n"
        "Zum Beitreten öffnen Sie binnen 30 Tagen diesen Link und melden sich mit Ihrem Konto an:\n\n"
        "    {link}\n\nFalls Sie noch kein Konto haben, bitten Sie den Verwalter dieser Website darum.\n",
    ),
    "nl": (
        "{admin} nodigt u uit in de groep {group}",
        "Dag{name},\n\n{admin} nodigt u uit voor de groep {group} in Escritoire, een virtueel kantoor waarvan u"
        " agenda, contacten, documenten en post opent met uw vertrouwde programma's.\n\n"
        "Open binnen 30 dagen deze link en meld u aan met uw account:\n\n    {link}\n\n"
        "Hebt u nog geen account, vraag er dan een aan de beheerder van deze site.\n",
    ),
}
"""Subject and text by language; another language gets English (SYS-16)."""

_DECLINED: Final = {
    "en": ("{guest} does not join {group}", "{guest} declined your invitation into the group {group}.\n"),
    "fr": ("{guest} ne rejoint pas {group}", "{guest} a décliné votre invitation dans le groupe {group}.\n"),
    "de": ("{guest} tritt {group} nicht bei", "{guest} hat Ihre Einladung in die Gruppe {group} abgelehnt.\n"),
    "nl": ("{guest} wordt geen lid van {group}", "{guest} heeft uw uitnodiging voor de groep {group} afgewezen.\n"),
}


def text_of(language: str, *, admin: str, group: str, guest: str, link: str) -> tuple[str, str]:
    """Subject and text of the letter in a language (a tag)."""
    subject, text = _of(_TEXTS, language)
    words = {"admin": admin, "group": group, "name": f" {guest}" if guest else "", "link": link}
    return subject.format(**words), text.format(**words)


def send(tx: Transaction, found: Sheet, letters: Iterable[Letter]) -> int:
    """Put letters into the queue, from the group's admin, whose mails of the day they are (SMTP-05); gives how many.

    What the site administrator sends counts for nobody.

    Raises:
        Refused: the admin may not send so many mails today, or none at all, or has no address to send from.
    """
    from storage.mail import sending  # processes that only show the offer do without
    from storage.outbound import letter
    from storage.outbound.letter import Person

    written = list(letters)
    sender = sending.in_the_name_of(tx, found.admin, len(written))
    for one in written:
        letter.put(
            tx,
            sender=Person(sender, found.admin.display_name),
            to=[Person(one.invitation.address, one.invitation.name)],
            subject=one.subject,
            text=one.text,
            account=found.admin.id,
        )
    return len(written)


def tell_declined(tx: Transaction, found: Sheet, guest: str) -> None:
    """Tell the admin by mail, in his language, that somebody does not come; without an address he only sees it."""
    from storage.mail import recipients
    from storage.outbound import letter
    from storage.outbound.letter import Person

    own = recipients.addresses_of(tx, found.admin.id)
    if not own:
        return
    subject, text = _of(_DECLINED, people.language_of(tx, found.admin.id))
    words = {"guest": guest, "group": found.group.display_name or found.group.name}
    admin = Person(recipients.default_sender(tx, found.admin.id, own), found.admin.display_name)
    letter.put(
        tx,
        sender=admin,
        to=[admin],
        subject=subject.format(**words),
        text=text.format(**words),
        account=found.admin.id,
        bounces=False,
    )


def _of(texts: dict[str, tuple[str, str]], language: str) -> tuple[str, str]:
    return texts.get(language.partition("-")[0], texts["en"])
