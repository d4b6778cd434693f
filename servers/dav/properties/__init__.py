"""Live properties: one table per family; `registry` puts them together."""
