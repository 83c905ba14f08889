"""What is printed: the standard streams of programs and of commands, and the text and tables on them."""
