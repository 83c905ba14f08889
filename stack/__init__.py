"""The stack on this machine: starts, stops, shows and tries it, in containers or natively."""
