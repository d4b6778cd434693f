"""Exchange ActiveSync: mail, calendars, contacts, tasks and notes for phones, in WBXML over HTTP."""
