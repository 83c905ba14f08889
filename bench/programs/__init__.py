"""What runs as a process of its own while something is measured. Those of the peers run in environments of theirs."""
