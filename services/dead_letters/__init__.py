"""Dead messages: to look at them, and to redrive them."""
