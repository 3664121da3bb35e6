"""What a command does, without a command line: read, compute, write."""
