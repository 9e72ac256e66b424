"""Quality as tracked numbers, in the same table as speed: what :mod:`benchmarks.figures` measures, per method.

asv takes a larger value for a worse one, so recall and nDCG are tracked as what is lost of 1.
"""

from __future__ import annotations

from .baseline import baseline
from .data import version
from .figures import Figures, figures

#: Those of the committed baseline and not of the registry: asv numbers the parameters, and they have to have the same
#: numbers on a commit that knows fewer methods.
METHODS = list(baseline().methods)


class Quality:
    """The `track_` figures of one method on a small deterministic set."""

    params = (METHODS,)
    param_names = ("method",)

    def setup_cache(self) -> dict[str, Figures | str]:
        found: dict[str, Figures | str] = {}
        for method in METHODS:
            try:
                found[method] = figures(method)
            except NotImplementedError:
                continue
            except Exception as error:  # a broken method costs its own row only
                found[method] = f"{type(error).__name__}: {error}"
        return found

    def setup(self, found: dict[str, Figures | str], method: str) -> None:
        if method not in found:
            raise NotImplementedError(f"this commit has no {method}")
        if isinstance(figures := found[method], str):
            raise RuntimeError(figures)
        self.figures = figures

    @version("1", unit="1 - recall@10")
    def track_recall10(self, found: dict[str, Figures | str], method: str) -> float:
        return round(1 - self.figures.recall10, 6)

    @version("1", unit="1 - nDCG@10")
    def track_ndcg10(self, found: dict[str, Figures | str], method: str) -> float:
        return round(1 - self.figures.ndcg10, 6)

    @version("1", unit="bytes")
    def track_bytes_per_vector(self, found: dict[str, Figures | str], method: str) -> float:
        return self.figures.bytes_per_vector

    @version("1", unit="0 as in baseline.json, 1 changed")
    def track_code_checksum_changed(self, found: dict[str, Figures | str], method: str) -> int:
        before = baseline().methods.get(method)
        return int(before is None or before.code_checksum != self.figures.code_checksum)
