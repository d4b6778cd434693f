"""The shared storage-and-rights library: every protocol reads and writes through it (SYS-01)."""
