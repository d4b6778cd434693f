"""Settings: what an operator writes down, read once when a process starts and handed down."""
