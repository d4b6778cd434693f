"""What nobody waits for: the text of documents, and what has outlived its time."""
