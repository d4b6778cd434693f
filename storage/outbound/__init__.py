"""The outbound queue: what was accepted for others waits here until it is delivered or returned (SMTP-07)."""
