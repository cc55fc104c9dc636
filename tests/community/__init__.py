"""The Community edition of TimescaleDB, on a server of its own."""
