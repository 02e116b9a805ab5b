"""How right the computed calls are, compared with what the phones of a recording saw."""
