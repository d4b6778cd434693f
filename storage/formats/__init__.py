"""Pure readers and writers of iCalendar, vCard and friends: bytes in, values out, no database."""
