"""SMTP: mail from other servers, from the desk's own people, and from a front by LMTP (RFC 5321, 6409, 2033)."""
