"""infos.rss: what the site administrator and the admins of the reader's groups have put up (INFO-01, 02, 06)."""

from __future__ import annotations

from urllib.parse import urlsplit

from servers.feeds import sanitise, wiki
from servers.feeds.feed import Entry, Feed
from servers.feeds.visit import Visit
from servers.http.response import Response
from storage import filing, folders, principals, site_info
from storage.errors import GateClosed, NotFound
from storage.filing import File
from storage.site_info import SiteInfo
from storage.types import SpaceKind, View

_PAGE = f"{filing.GROUP_INFO}/index.html"


def infos(visit: Visit, login: str, form: str) -> Response:
    """The site's message, then one entry for each group with one; the reader's own feed only."""
    if login != visit.actor.login:
        raise NotFound(login)
    found: list[File] = []
    with visit.store.read(visit.actor) as tx:
        me = principals.me(tx)
        site = site_info.of(tx)
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
            title=f"{me.display_name or me.name}: {visit.say('infos')}",
            subtitle=visit.say("Messages of the administrators."),
            url=visit.url,
            home=visit.docs_url(me, "") + "/",
            author=me.display_name or me.name,
            updated=max([*(one.modified for one in found), site.since if site else 0]),
            entries=(*([_of_site(visit, site)] if site else ()), *(_entry(visit, one) for one in found)),
        )

    seen = [(one.id, one.etag, one.folder.space.display_name, one.modified) for one in found]
    return visit.feed(form, (me.display_name, site, seen), build)


def _of_site(visit: Visit, info: SiteInfo) -> Entry:
    host = urlsplit(visit.origin).hostname or ""
    return Entry(
        id=visit.identity("site-info", info.since),
        title=sanitise.title(info.html) or host,
        updated=info.since,
        html=sanitise.fragment(info.html, _absolute),
        link=visit.url,
        author=host,
    )


def _absolute(address: str) -> str | None:
    """There is no page that a link of the message could be relative to."""
    return address if urlsplit(address).scheme else None


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
