"""The overlay: calendars of others and of the Internet, beside one's own (CAL-19…25)."""
