"""Weights: what can be fetched, from where, and how it is checked."""
