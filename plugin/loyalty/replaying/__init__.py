"""A draft programme over the shop's own history, beside today's, before anybody is told. Nothing in the ledger moves.

tally.py adds up (pure), running.py goes through the customers in steps, saving.py asks for one and reads it back.
"""
