"""Compression of arrays and files under a bound that always holds."""
