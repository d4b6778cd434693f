"""changes.rss: what was added or changed lately, wherever the reader may look (ACC-06)."""

from __future__ import annotations

from servers.feeds.feed import Entry, Feed
from servers.feeds.folders import link_of
from servers.feeds.visit import Visit
from servers.http.response import Response
from storage import principals, recent
from storage.errors import NotFound
from storage.filing import FAVOURITES, File
from storage.recent import Change
from storage.types import PrincipalId

MARK = "»"


def changes(visit: Visit, login: str, form: str) -> Response:
    """The reader's own; nobody looks at the desk with another's eyes."""
    if login != visit.actor.login:
        raise NotFound(login)
    with visit.store.read(visit.actor) as tx:
        me = principals.me(tx)
        found = recent.changes(tx)
        now = tx.now
    seen = [
        (
            *(one.collection.id, _where(visit, one, me.id), one.creator, one.title, one.moment),
            *(one.item.id, one.item.name, one.item.etag, one.item.modseq),
        )
        for one in found
    ]

    def build() -> Feed:
        whose = me.display_name or me.name
        return Feed(
            id=visit.identity("changes", me.id),
            title=f"{whose}: {visit.say('recent changes')}",
            subtitle=visit.say("What was added or changed lately."),
            url=visit.url,
            home=(visit.settings.dav_origin or visit.origin) + "/",
            author=whose,
            updated=max((one.moment for one in found), default=now),
            entries=tuple(_entry(visit, one, me.id) for one in found),
        )

    return visit.feed(form, (me.display_name, seen), build)


def _entry(visit: Visit, one: Change, me: PrincipalId) -> Entry:
    collection, item = one.collection, one.item
    where = _where(visit, one, me)
    link = link_of(visit, item) if isinstance(item, File) else visit.dav_url(collection, item.name)
    return Entry(
        # A later change of the same item is news again: it gets an entry of its own.
        id=visit.identity("change", collection.id, item.id, item.modseq),
        title=f"{MARK} {one.title or visit.say('(no title)')}",
        updated=one.moment,
        text=visit.say("Added in {}" if one.added else "Changed in {}", where),
        link=link,
        author=one.creator,
        categories=(collection.tool.value,),
    )


def _where(visit: Visit, one: Change, me: PrincipalId) -> str:
    collection, item = one.collection, one.item
    place = recent.environment(collection, me)
    where = collection.display_name or collection.name
    if isinstance(item, File):
        top = "Favourites" if item.folder.root == FAVOURITES else "Documents"
        where = item.folder.path or visit.say(top)
    return f"{place}: {where}" if place and place not in where else where
