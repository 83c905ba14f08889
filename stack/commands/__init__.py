"""What starts and ends a stack, looks at it, and writes what follows from the code."""
