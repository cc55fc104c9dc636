"""Where it comes from and goes to: one module an edge (Kafka, TimescaleDB, Redis, files)."""
