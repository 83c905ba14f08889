"""What the other rooms build on, and which knows none of them: exact JSON, durations, the numbers of SQS, the clock."""
