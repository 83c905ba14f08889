"""HTTP to users' addresses: callbacks and data sources."""
