"""What the desk knows of phones: which there are, and what each of them holds ([MS-ASCMD], EAS-02, EAS-04)."""
