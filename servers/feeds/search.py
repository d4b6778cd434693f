"""search.rss: the documents that a typed search finds, for those who want to follow it (DOC-34, DOC-36)."""

from __future__ import annotations

from urllib.parse import parse_qs, quote

from servers.feeds.feed import Entry, Feed
from servers.feeds.visit import Visit
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import agenda, principals
from storage import search as storage_search
from storage.errors import BadFormat, NotFound
from storage.formats import search_query
from storage.search import Hit, Order


def search(visit: Visit, login: str, form: str) -> Response:
    """The reader's own search, `?q=`; the newest first, or as `&order=` says."""
    if login != visit.actor.login:
        raise NotFound(login)
    try:
        asked = parse_qs(visit.request.query, max_num_fields=16)
    except ValueError:
        raise BadRequest("there are too many parameters") from None
    text = " ".join(asked.get("q", []))
    try:
        order = Order(asked.get("order", [Order.DATE.value])[0])
    except ValueError:
        raise BadRequest(f"order is one of {', '.join(one.value for one in Order)}") from None
    with visit.store.read(visit.actor) as tx:
        me = principals.me(tx)
        try:
            expression = search_query.advanced(text, zone=agenda.habits(tx).zone)
            found = storage_search.run(tx, expression, order=order)
        except BadFormat as error:
            raise BadRequest(error.reason) from None

    def build() -> Feed:
        return Feed(
            id=visit.identity("search", me.id, order.value, text),
            title=f"{me.display_name or me.name}: {text}",
            subtitle=visit.say("{} found", found.total),
            url=f"{visit.url}?q={quote(text, safe='')}&order={order.value}",
            home=visit.docs_url(me, "") + "/",
            author=me.display_name or me.name,
            updated=max((hit.modified for hit in found.hits), default=0),
            entries=tuple(_entry(visit, hit) for hit in found.hits),
        )

    return visit.feed(form, (me.display_name, text, order.value, found.total, found.hits), build)


def _entry(visit: Visit, hit: Hit) -> Entry:
    return Entry(
        id=visit.identity("found", hit.file_id),
        title=hit.name,
        updated=hit.modified,
        text=hit.excerpt or hit.path,
        link=visit.docs_url(hit.space, hit.path),
        author=hit.author,
        categories=(hit.space.name,),
    )
