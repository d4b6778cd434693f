"""The kernel of line protocols: endpoints, TLS, buffers, back-pressure and time limits on Twisted; it knows no protocol."""
