"""Embedding sets: collections, encoders, exact neighbours, and how a set is made."""
