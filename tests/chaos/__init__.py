"""Everything dies while numbered readings flow, and the ledger must balance: `make chaos`, and a short run of it.

What must come out is computed from the log by plain Python that knows nothing of the product: `oracle`, `balances`.
"""
