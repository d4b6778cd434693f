"""What a device says of a mail that is no part of the message: Read, Flag, Categories ([MS-ASEMAIL] §3.2.5.4)."""

from __future__ import annotations

from servers.activesync.classes import mail_categories
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Email
from storage.errors import LimitReached
from storage.mail import flags as words
from storage.mail.flags import FLAGGED, SEEN


def after(flags: str, data: Element) -> str:
    """Canonical flags as a device wants them; what it does not name stays.

    Raises:
        Unconvertible: the categories are too many, or the name of one is too long.
    """
    read = data.text_of(Email.Read)
    if read in ("0", "1"):
        flags = words.changed(flags, "add" if read == "1" else "remove", SEEN)
    flag = data.find(Email.Flag)
    if flag is not None:
        active = flag.text_of(Email.Status) == "2"  # 1 is done, 0 or nothing is none
        flags = words.changed(flags, "add" if active else "remove", FLAGGED)
    categories = data.find(Email.Categories)
    if categories is None:
        return flags
    try:
        return mail_categories.replaced(flags, mail_categories.said(categories))
    except (words.BadFlag, LimitReached) as error:
        raise Unconvertible(str(error)) from None
