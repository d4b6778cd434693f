"""SEARCH with the grammar DAV:basicsearch (RFC 5323): conditions, candidates, answers."""
