"""How fast latente is beside other libraries and beside the raw matrix products."""
