"""Mail: mailboxes, messages, flags, delivery and search, the same for IMAP, POP3, SMTP and phones (SPEC section 9)."""
