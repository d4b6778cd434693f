"""SASL for line protocols (RFC 4422): mechanisms that turn octets into an actor, without sockets."""
