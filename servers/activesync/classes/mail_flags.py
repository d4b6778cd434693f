"""What a device says of a mail that is no part of the message: Read, Flag, Categories ([MS-ASEMAIL] §3.2.5.4)."""

from __future__ import annotations

from servers.activesync.classes import mail_categories, mail_follow_up
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.classes.mail import date
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Email
from storage.errors import LimitReached
from storage.mail import flags as words
from storage.mail.flags import FLAGGED, SEEN
from storage.mail.follow_ups import FollowUp


def after(flags: str, details: FollowUp | None, data: Element, now: float) -> tuple[str, FollowUp | None]:
    """Canonical flags as a device wants them, and what it says of the flag; what it does not name stays.

    Raises:
        Unconvertible: the categories are too many, the name of one is too long, or a value of the flag is none.
    """
    read = data.text_of(Email.Read)
    if read in ("0", "1"):
        flags = words.changed(flags, "add" if read == "1" else "remove", SEEN)
    flag = data.find(Email.Flag)
    if flag is not None:
        status = mail_follow_up.status(flag, details)
        details = mail_follow_up.of(flag, status, date(now))
        flags = words.changed(flags, "add" if status == mail_follow_up.ACTIVE else "remove", FLAGGED)
    categories = data.find(Email.Categories)
    if categories is None:
        return flags, details
    try:
        return mail_categories.replaced(flags, mail_categories.said(categories)), details
    except (words.BadFlag, LimitReached) as error:
        raise Unconvertible(str(error)) from None
