"""Many implementations against every law: each judged in a process of its own, and all in one table."""
