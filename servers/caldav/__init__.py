"""CalDAV: calendars, task lists and journals over the DAV kernel (RFC 4791)."""
