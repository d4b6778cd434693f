"""POP3: the INBOX for clients that fetch (RFC 1939, SPEC POP-01…05)."""
