"""Arrays as small integer streams, and back, under a bound."""
