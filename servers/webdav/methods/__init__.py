"""The disk's methods, one RFC command or family per file; the kernel's serve where storage does not differ."""
