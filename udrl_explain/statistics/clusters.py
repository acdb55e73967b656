"""Rows that come in clusters (steps of an episode): one number per cluster, so that clusters are the units."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cluster_values(rows: NDArray[np.float64], clusters: ArrayLike) -> NDArray[np.float64]:
    """Values of the clusters whose plain mean is the mean of all rows, to the first order also when resampled.

    Parameters
    ----------
    rows : float64 array of shape (n_rows, n_columns)
    clusters : array_like of shape (n_rows,)
        Which cluster each row belongs to, for instance the number of its episode.

    Returns
    -------
    float64 array of shape (n_clusters, n_columns)
        By ascending cluster. Exactly the value itself where a column holds only one.

    Raises
    ------
    ValueError
        If there is not one cluster per row, or no row.

    Notes
    -----
    The mean of the rows is a ratio, sum of the clusters' totals over sum of their sizes. Its linearisation is
    ``mean + n_clusters / n_rows * (total - size * mean)`` per cluster (Cochran 1977, *Sampling Techniques*,
    section 6.4).
    """
    labels = np.asarray(clusters)
    if labels.shape != (len(rows),) or len(rows) == 0:
        raise ValueError(f"clusters must name one cluster for each of {len(rows)} rows, got shape {labels.shape}")
    _, place, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    mean = rows[0] + (rows - rows[0]).mean(axis=0)
    beyond = np.zeros((len(sizes), rows.shape[1]))
    np.add.at(beyond, place, rows - mean)
    return np.asarray(mean + beyond * (len(sizes) / len(rows)))
