"""The simulated municipality and its PBX."""
