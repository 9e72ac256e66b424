"""Measures: pure functions over arrays, one value per query wherever a measure is defined per query."""
