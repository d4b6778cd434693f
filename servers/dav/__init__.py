"""The WebDAV kernel: classes 1, 2, 3, access control, synchronisation; it knows no protocol above it."""
