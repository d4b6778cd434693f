"""What a mail carries: which parts are attachments, and which pictures stand in its text (MSG-12, SYS-17)."""

from __future__ import annotations

from storage.formats import mail_parts, message_parts
from storage.formats.mail_parts import Attached

NAMES = ("plain@x", "o'brien@x", "url@x", "single@x", "absent@x", "plain")
HTML = (
    '<img src="cid:plain@x"><img src="cid:o\'brien@x"><div style="background:url(cid:url@x)">'
    "<img src='cid:single@x' alt=absent@x>"
)


def attached(html: str, *names: str) -> list[Attached]:
    """The attachments of a mail with this text and a part for each Content-ID."""
    pieces = [f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n"]
    pieces += [
        f"--b\r\nContent-Type: image/png\r\nContent-ID: <{name}>\r\nContent-Disposition: attachment\r\n\r\n\r\n"
        for name in names
    ]
    data = "".join([*pieces, "--b--\r\n"]).encode()
    return mail_parts.attachments(data, message_parts.sections(message_parts.read(data)))


def test_what_the_text_names_stands_in_it() -> None:
    """Whole names only, however the text quotes them."""
    assert [one.content_id for one in attached(HTML, *NAMES) if one.inline] == list(NAMES[:4])


def test_a_thousand_pictures_and_megabytes_of_text() -> None:
    """SYS-17: the text is read once, not once for each of them."""
    assert not any(one.inline for one in attached("<p>cid:a" * 1_000_000, *(f"{number}@x" for number in range(900))))
