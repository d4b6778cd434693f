"""The reports of RFC 6352, one module each."""
