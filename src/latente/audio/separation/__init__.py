"""A mixture taken apart: the sources of a recording, or the speech under noise."""
