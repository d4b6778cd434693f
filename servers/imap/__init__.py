"""IMAP: all mailboxes, for clients that stay (RFC 9051, RFC 3501 and their extensions; SPEC IMAP-01…06)."""
