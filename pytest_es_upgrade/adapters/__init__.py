"""Adapters for published clients. Each module imports its client only when it is named."""
