"""Who may sign in, and as what: roles with dates, passwords, sessions, tokens (domain/05 requirement 5)."""
