"""Feeds: read-only HTTP for feed readers, subscribed calendars, published documents and the wiki's view."""
