"""The hotline register (clause 17): what became of each message, and what is due.

`steps` says what people can do with a case and what follows from it, `clocks` what is due when, `contacts`
which calls of the PBX followed it up, `opening` how messages become cases, `board` what a page shows.
"""
