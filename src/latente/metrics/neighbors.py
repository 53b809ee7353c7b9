"""What the nearest neighbours of points say: where points are missing, and whether two spaces agree."""

from __future__ import annotations

__all__ = ["code_coverage", "code_density", "continuity", "hole_fraction", "kth_distance", "trustworthiness"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.points import Points, as_points, check_count, same_columns
from latente.parts import is_number

K = 5


def kth_distance(points: Any, queries: Any = None, k: int = K) -> NDArray[np.float64]:
    """Returns (m,): the Euclidean distance from each query to its k-th nearest point, in the points' units.

    Args:
        points: (n, d).
        queries: (m, d); None asks for each of the points among the others.
        k: 1 is the nearest.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few points.

    Example:
        >>> kth_distance([[0.0], [1.0], [3.0]], k=1)
        array([1., 1., 2.])
    """
    from sklearn.neighbors import NearestNeighbors

    base = as_points(points, "points", 2)
    others = 1 if queries is None else 0
    k = check_count(k, "k", 1, len(base) - others)
    asked = base if queries is None else as_points(queries, "queries")
    same_columns(base, asked, ("points", "queries"))
    centre = base.mean(0)  # far from the origin, differences of squares would lose their digits
    search = NearestNeighbors(n_neighbors=k + others).fit(base - centre)
    return search.kneighbors(asked - centre)[0][:, -1]


def hole_fraction(codes: Any, draws: Any, *, k: int = K, quantile: float = 0.99) -> float:
    """Returns the share of draws that lie in holes: farther from the codes than (almost) any code lies from the others.

        P over z in draws of [ d_k(z, codes) > the 99th percentile of d_k(c, the other codes) over the codes c ]

    d_k is the Euclidean distance to the k-th nearest code. Draws from the very distribution of the codes give about 1 -
    quantile. The support that neighbours span is that of Kynkaanniemi, Karras, Laine, Lehtinen, Aila (2019), "Improved
    precision and recall metric for assessing generative models"; one radius for all codes makes it a statement about
    the outer edge of their distances, not about each neighbourhood.

    Args:
        codes: (n, d).
        draws: (m, d).
        k: which neighbour.
        quantile: of the codes' own distances, in (0, 1).

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few codes.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ring = rng.normal(size=(2000, 2))
        >>> ring /= np.linalg.norm(ring, axis=1, keepdims=True)
        >>> hole_fraction(ring, rng.normal(scale=0.5**0.5, size=(2000, 2))) > 0.9    # nothing is on the ring itself
        True
    """
    if not is_number(quantile, 0, 1) or quantile in (0, 1):
        raise ValueError(f"quantile must be a number between 0 and 1; got {quantile!r}")
    codes, draws = _codes_and_draws(codes, draws)
    return float((kth_distance(codes, draws, k) > np.quantile(kth_distance(codes, k=k), quantile)).mean())


def code_coverage(codes: Any, draws: Any, *, k: int = K) -> float:
    """Returns the coverage: the share of codes in whose neighbourhood at least one draw lies.

        1/n sum_i 1[ some draw is nearer to code i than its k-th nearest code ]

    As many draws as codes from the codes' own distribution give about 1 - 2^-k (0.97 for k = 5). Source: Naeem, Oh, Uh,
    Choi, Yoo (2020), "Reliable fidelity and diversity metrics for generative models".

    Args:
        codes: (n, d).
        draws: (m, d), best as many as codes.
        k: which neighbour bounds the neighbourhood of a code.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few codes.

    Example:
        >>> code_coverage([[0.0], [1.0], [10.0], [11.0]], [[0.5], [0.6]], k=1)
        0.5
    """
    codes, draws = _codes_and_draws(codes, draws)
    return float((kth_distance(draws, codes, 1) <= kth_distance(codes, k=k)).mean())


def code_density(codes: Any, draws: Any, *, k: int = K) -> float:
    """Returns the density: in how many neighbourhoods of codes a draw lies, relative to what is expected.

        1/(k m) sum_j sum_i 1[ draw j is nearer to code i than its k-th nearest code ]

    Draws from the codes' own distribution give about 1; draws where there are no codes give 0; more than 1 means that
    draws crowd where codes are dense. Source: Naeem, Oh, Uh, Choi, Yoo (2020), "Reliable fidelity and diversity metrics
    for generative models".

    Args:
        codes: (n, d).
        draws: (m, d).
        k: which neighbour bounds the neighbourhood of a code.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few codes.

    Example:
        >>> code_density([[0.0], [1.0], [10.0], [11.0]], [[0.5], [30.0]], k=1)
        1.0
    """
    from scipy.spatial.distance import cdist

    base, asked = _codes_and_draws(codes, draws)
    radii = kth_distance(base, k=k)
    rows = max(1, 2**22 // len(base))  # distances in one piece
    inside = sum(int((cdist(asked[i : i + rows], base) <= radii).sum()) for i in range(0, len(asked), rows))
    return inside / (k * len(asked))


def _codes_and_draws(codes: Any, draws: Any) -> tuple[Points, Points]:
    """Returns both as points of one space, or raises ValueError by the names that the caller gave them."""
    a, b = as_points(codes, "codes", 2), as_points(draws, "draws")
    same_columns(a, b, ("codes", "draws"))
    return a, b


def trustworthiness(x: Any, z: Any, k: int = K) -> float:
    """Returns how far neighbours in the codes are neighbours in the data, in [0, 1].

        1 - 2 / (n k (2n - 3k - 1)) sum_i sum over j in N_k(z_i), not in N_k(x_i), of (rank of j from x_i) - k

    1 means that no code has a false neighbour; codes without relation to the data give about 0.5. Source: Venna & Kaski
    (2001), "Neighborhood preservation in nonlinear projection methods"; computed by scikit-learn.

    Args:
        x: (n, ...), the samples.
        z: (n, latent_dim), their codes.
        k: how many neighbours, below n / 2.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few samples.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(100, 3))
        >>> trustworthiness(x, 10 * x)
        1.0
    """
    from sklearn.manifold import trustworthiness as of_embedding

    samples, codes = as_points(x, "x", 3), as_points(z, "z", 3)
    if len(samples) != len(codes):
        raise ValueError(f"x and z must hold as many rows; got {len(samples)} and {len(codes)}: give the codes of x")
    k = check_count(k, "k", 1, (len(samples) - 1) // 2)
    return float(of_embedding(samples, codes, n_neighbors=k))


def continuity(x: Any, z: Any, k: int = K) -> float:
    """Returns how far neighbours in the data stay neighbours in the codes, in [0, 1]: trustworthiness, spaces swapped.

    1 means that the encoder tore no neighbourhood apart. Source: Venna & Kaski (2001).

    Args:
        x: (n, ...), the samples.
        z: (n, latent_dim), their codes.
        k: how many neighbours, below n / 2.

    Raises:
        ValueError: as `trustworthiness` does.

    Example:
        >>> x = np.linspace(0, 1, 50)[:, None]
        >>> continuity(x, x % 0.5) < trustworthiness(x, x**3)    # cut in the middle and laid on top of itself
        True
    """
    return trustworthiness(z, x, k)
