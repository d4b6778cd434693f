"""The kernel of line protocols on Twisted: endpoints, TLS, back-pressure, time limits; it knows no protocol."""
