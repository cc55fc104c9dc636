"""What needs a hand: rules and the life of an alarm."""
