"""Task types whose items are held by a server of the test, for the tests of workers that are suspended."""
