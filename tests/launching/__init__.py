"""Launching: the ledger, records, sandboxes and the pretended machine."""
