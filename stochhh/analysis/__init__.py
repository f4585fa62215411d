"""Pure functions from a Result, or from plain arrays, to numbers."""
