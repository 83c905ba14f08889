"""How SQS brokers behave: probes of each, and the document that says what was seen."""
