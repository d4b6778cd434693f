"""CardDAV: address books over the DAV kernel (RFC 6352)."""
