"""How does it run? The local stack, its monitoring and the command line."""
