"""The processes: one per protocol, each a thin translator between its wire and the store."""
