"""Calls told as stories: what happened, and what the tables must say about it."""
