"""The virtual disk: WebDAV over the folders and files of storage (SPEC section 11)."""
