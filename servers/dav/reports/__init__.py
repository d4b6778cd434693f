"""The reports that every DAV server offers, one module each."""
