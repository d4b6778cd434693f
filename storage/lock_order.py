"""In which order the rows of collections are locked: two who both want several never wait for each other (PostgreSQL).

By path, so a folder is locked before what is in it; the Trash and what lies in it come last, as everything that is
deleted goes there. The locks are FOR NO KEY UPDATE: a second UPDATE of a row in one transaction has PostgreSQL look at
the row above it, FOR KEY SHARE, and that one may be somebody else's by then.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage import filing
from storage.schema import collections

_TRASH: Final = filing.join(filing.DOCS, filing.TRASH)
_thrown: Final = sa.or_(
    collections.c.path == _TRASH, sa.func.substr(collections.c.path, 1, len(_TRASH) + 1) == _TRASH + "/"
)
ORDER: Final = (sa.case((_thrown, 1), else_=0), sa.collate(collections.c.path, "C"), collections.c.id)
"""For `ORDER BY`, before `FOR NO KEY UPDATE`."""
