"""Bad input of every kind, through the real command line, the real Kafka and a real worker.

`commands.py` and `messages.py` are the table; docs/bad-input.md is made of it by `python -m tests.bad_input`.
"""
