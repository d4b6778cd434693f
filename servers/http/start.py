"""From the site's settings to what an HTTP process opens: its store with the limits, and how guessers are slowed."""

from __future__ import annotations

from auth.throttle import Policy
from conf.settings import Settings
from storage.store import Limits, Store


def open_store(settings: Settings) -> Store:
    """The store behind these settings, with their limits; nothing is connected yet."""
    limits = Limits(
        resource_octets=settings.limits.max_resource_octets,
        instances=settings.limits.max_instances,
        attendees=settings.limits.max_attendees,
        attachments=settings.limits.max_attachments,
        tombstone_days=settings.limits.tombstone_days,
        version_days=settings.limits.version_days,
        bookmark_scheme=settings.favourites.scheme,
        origin=settings.url("feeds").rstrip("/") if settings.feeds.enabled else "",
        restrict_attendees=settings.meetings.restrict_attendees,
        spam_learning=bool(settings.smtp.spam_learning),
    )
    return Store.open(settings.database_url, settings.blobs_directory, limits=limits)


def policy(settings: Settings) -> Policy:
    """How failed logins are counted, and for how long a right one is remembered."""
    throttle = settings.throttle
    return Policy(
        account_failures=throttle.account_failures,
        address_failures=throttle.address_failures,
        window_s=throttle.window_s,
        verified_s=throttle.verified_s,
    )
