"""What publishers keep of institutions: library contact, consortia, and their IP ranges."""
