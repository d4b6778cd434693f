"""The process that delivers the queue: routes, dialogues with other servers, reports to senders (SMTP-07)."""
