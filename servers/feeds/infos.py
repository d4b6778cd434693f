"""infos.rss: the messages that the admins of the reader's groups have put up (INFO-01, INFO-02)."""

from __future__ import annotations

from servers.feeds import sanitise, wiki
from servers.feeds.feed import Entry, Feed
from servers.feeds.visit import Visit
from servers.http.response import Response
from storage import filing, folders, principals
from storage.errors import GateClosed, NotFound
from storage.filing import File
from storage.types import SpaceKind, View

_PAGE = f"{filing.GROUP_INFO}/index.html"


def infos(visit: Visit, login: str, form: str) -> Response:
    """One entry for each group with a message; the reader's own feed only."""
    if login != visit.actor.login:
        raise NotFound(login)
    found: list[File] = []
    with visit.store.read(visit.actor) as tx:
        me = principals.me(tx)
        for group in principals.groups_of(tx, me):
            try:
                page = folders.find(tx, SpaceKind.GROUP, group.name, _PAGE, body=True)
            except (NotFound, GateClosed):
                continue
            if isinstance(page, File) and page.view is View.FULL:
                found.append(page)

    def build() -> Feed:
        return Feed(
            id=visit.identity("infos", me.id),
            title=f"{me.display_name or me.name}: infos",
            subtitle="Messages of the groups' administrators.",
            url=visit.url,
            home=visit.docs_url(me, "") + "/",
            author=me.display_name or me.name,
            updated=max((one.modified for one in found), default=0),
            entries=tuple(_entry(visit, one) for one in found),
        )

    return visit.feed(form, [(one.id, one.etag) for one in found], build)


def _entry(visit: Visit, file: File) -> Entry:
    text = wiki.read(visit.store, file) or ""
    group = file.folder.space
    title = sanitise.title(text)
    return Entry(
        # A new message is news, though it is the same file.
        id=visit.identity("info", file.id, file.etag),
        title=f"{group.name}: {title}" if title else group.name,
        updated=file.modified,
        html=wiki.body(visit, file, text),
        link=visit.origin + wiki.address(group, "groupinfo/index"),
        author=group.display_name or group.name,
    )
