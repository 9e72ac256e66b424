"""What can stand before any method: fewer dimensions, a rotation, a shift, a whitening."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from binbench import Transform, Unsupported, register_transform
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import multiplied, random_rotation, sample_rows

#: The most documents that components are learned from, per dimension, as for the method `pca`.
SAMPLE_PER_DIMENSION = 1000
#: Variance, as a share of the largest, below which there is only the rounding of float32.
FLAT = 1e-10


@register_transform("mrl{dims}", dims=[64, 128, 256])
class Matryoshka(Transform):
    """The first dimensions alone (Kusupati et al., Matryoshka Representation Learning, 2022)."""

    def __init__(self, dimension: int, dims: int) -> None:
        super().__init__(dimension)
        self.dims = _fitting(dims, dimension)

    @property
    def width(self) -> int:
        return self.dims

    def apply(self, vectors: FloatArray) -> FloatArray:
        return np.ascontiguousarray(vectors[:, : self.dims])


@register_transform("ortho")
class Rotation(Transform):
    """A random rotation, uniform in the sense of Haar."""

    isometric = True

    def __init__(self, dimension: int, seed: int = 0) -> None:
        super().__init__(dimension)
        self.rotation_ = random_rotation(dimension, seed)

    def apply(self, vectors: FloatArray) -> FloatArray:
        return multiplied(vectors, self.rotation_)


@register_transform("center")
class Centering(Transform):
    """The documents' mean taken away."""

    def fit(self, train: FloatArray) -> None:
        self.mean_ = sample_rows(train, None, 0).mean(axis=0, dtype=np.float64).astype(np.float32)

    def apply(self, vectors: FloatArray) -> FloatArray:
        return vectors - self.mean_


@register_transform("pca{dims}", dims=[64, 128, 192, 256])
class Components(Transform):
    """The leading principal components of the documents, uncentred as in the method `pca` (Pearson, 1901)."""

    whitened = False

    def __init__(self, dimension: int, dims: int, seed: int = 0) -> None:
        super().__init__(dimension)
        self.dims = _fitting(dims, dimension)
        self.seed = seed

    @property
    def width(self) -> int:
        return self.dims

    def fit(self, train: FloatArray) -> None:
        if len(train) < self.dims:
            raise Unsupported(f"{len(train)} documents are too few for {self.dims} principal components")
        sample = self.moved(sample_rows(train, SAMPLE_PER_DIMENSION * self.dimension, self.seed)).astype(np.float64)
        self.components_ = _leading(sample, self.dims, self.whitened).astype(np.float32)

    def moved(self, vectors: FloatArray) -> FloatArray:
        """`vectors` as they are projected."""
        return vectors

    def apply(self, vectors: FloatArray) -> FloatArray:
        return multiplied(self.moved(vectors), self.components_)


@register_transform("whiten{dims}", dims=[64, 128, 256])
class Whitening(Components):
    """The leading principal components around the mean, each scaled to variance 1 (Su et al., 2021)."""

    whitened = True

    def fit(self, train: FloatArray) -> None:
        self.mean_ = sample_rows(train, None, self.seed).mean(axis=0, dtype=np.float64).astype(np.float32)
        super().fit(train)

    def moved(self, vectors: FloatArray) -> FloatArray:
        return vectors - self.mean_


def _fitting(dims: int, dimension: int) -> int:
    if dims > dimension:
        raise Unsupported(f"{dims} dimensions are more than the set's {dimension}")
    return dims


def _leading(sample: NDArray[np.float64], dims: int, whitened: bool) -> NDArray[np.float64]:
    """(d, dims) eigenvectors of the largest second moments of `sample` (n, d), divided by their roots if `whitened`.

    Raises:
        Unsupported: a direction to be whitened has no variance, so that only rounding would be magnified.
    """
    moments, vectors = np.linalg.eigh(sample.T @ sample / len(sample))
    moments, vectors = moments[::-1][:dims], vectors[:, ::-1][:, :dims]
    # An eigenvector's sign is LAPACK's choice; the largest entry is made positive.
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)[0]
    vectors = vectors * np.sign(largest)
    if not whitened:
        return vectors
    if moments[-1] <= FLAT * moments[0]:
        raise Unsupported(f"the documents spread over fewer than {dims} dimensions around their mean")
    return vectors / np.sqrt(moments)
