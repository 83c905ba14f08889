"""What the other rooms build on, and which knows none of them: exact JSON, POSTs, the numbers of SQS, the clock."""
