"""The yardsticks of the design: what callstats does beside the plain way of doing the same, in one run."""
