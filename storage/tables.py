"""All tables together, for migrations and tests: importing this knows every one of them."""

from __future__ import annotations

from storage import notice_tables as _notices
from storage.activesync import tables as _activesync
from storage.attachments import tables as _attachments
from storage.mail import tables as _mail
from storage.outbound import tables as _outbound
from storage.overlay import tables as _overlay
from storage.scheduling import tables as _scheduling
from storage.schema import metadata
from storage.sms import tables as _sms

__all__ = ["metadata"]

MODULES = (_activesync, _attachments, _mail, _notices, _outbound, _overlay, _scheduling, _sms)
