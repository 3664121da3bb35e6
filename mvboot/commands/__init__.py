"""One file a command: its options, what it reads and writes, and what it says."""
