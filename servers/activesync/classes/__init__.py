"""The classes of items: what a device is shown of each, and what its changes mean ([MS-ASCMD] §2.2.3.27)."""
