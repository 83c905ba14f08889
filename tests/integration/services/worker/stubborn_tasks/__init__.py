"""Task types that a worker cannot hurry, for the tests of how it stops."""
