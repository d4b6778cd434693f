"""The kernel of line protocols on Twisted: endpoints, TLS, buffers, back-pressure, time limits; it knows no protocol."""
