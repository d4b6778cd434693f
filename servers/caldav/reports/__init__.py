"""The reports of RFC 4791, one module each."""
