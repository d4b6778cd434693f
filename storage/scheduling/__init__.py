"""Meetings between people: implicit scheduling for whatever protocol writes an event (MTG, RFC 6638)."""
