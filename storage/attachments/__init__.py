"""Managed attachments of calendar objects: stored by the server, referred to by MANAGED-ID (RFC 8607)."""
