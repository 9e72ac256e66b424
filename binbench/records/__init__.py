"""Stored results as typed records: read, compared, chosen, and laid out as rows of columns."""

from binbench.records.pairs import compare
from binbench.records.record import Figures, Record
from binbench.records.store import read

__all__ = ["Figures", "Record", "compare", "read"]
