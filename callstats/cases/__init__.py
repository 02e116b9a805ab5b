"""The SQL side: catalog of the facts, number vault; SQLite by default, PostgreSQL by URL."""
