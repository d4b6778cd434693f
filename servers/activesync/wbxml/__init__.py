"""WBXML as ActiveSync uses it ([MS-ASWBXML]): the code pages as data, a tree of elements, a decoder and an encoder."""
