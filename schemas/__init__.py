"""What is said: messages, settings, time, quality, partitioning, the SQL of every table."""
