"""Real data sets by name: two that come with the package, two that are found or downloaded.

Example:
    >>> from latente import datasets
    >>> datasets.names()
    ('digits', 'fashion-mnist-10k', 'mnist', 'fashion-mnist')
    >>> datasets.load("digits").x_train.shape
    (1438, 8, 8)
"""

from __future__ import annotations

__all__ = ["Dataset", "load", "names"]

from latente.datasets.dataset import Dataset
from latente.datasets.loading import load, names
