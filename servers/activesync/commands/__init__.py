"""One module for each command, or for a few that belong together ([MS-ASCMD] §2.2.1)."""
