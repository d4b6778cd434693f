"""The commands, one idea in each module; `servers/imap/table.py` lists them."""
