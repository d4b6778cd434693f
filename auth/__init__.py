"""Who is it: passwords, app passwords, cached verification, throttling; between the servers and the store."""
