"""Pure functions from a Result to a matplotlib Figure."""
