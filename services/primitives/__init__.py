"""What the other rooms build on, and which knows none of them: exact JSON, durations, counts, the clock."""
