"""Directions in noise along which a generator's images change, found without labels."""

import numpy as np


def closed_form_directions(kernel: np.ndarray, count: int) -> np.ndarray:
    """SeFa: the directions that the generator's first layer stretches most.

    With the layer y = z K, the unit vectors n with the largest |n K|: the eigenvectors of K K^T
    with the largest eigenvalues (Shen and Zhou 2021, https://arxiv.org/abs/2007.06600).

    Args:
        kernel: K, [noise_dim, ...]; what follows the first axis is the layer's output.
        count: The number of directions, at most noise_dim.

    Returns:
        float32 [count, noise_dim] of length 1, the strongest first.

    Raises:
        ValueError: If count is out of range.
    """
    _check(count, len(kernel), "the length of noise")
    kernel = np.asarray(kernel, np.float64).reshape(len(kernel), -1)
    _, vectors = np.linalg.eigh(kernel @ kernel.T)  # ascending
    return _oriented(vectors.T[::-1][:count])


def principal_directions(noise: np.ndarray, activations: np.ndarray, count: int) -> np.ndarray:
    """GANSpace: the directions that move a layer's activations along their principal components.

    The components are those of the activations; the direction of each in noise is the least-squares
    solution for noise from the coordinates along them (Harkonen et al. 2020,
    https://arxiv.org/abs/2004.02546, section 2.2).

    Args:
        noise: [N, noise_dim], as sampled.
        activations: [N, ...], a layer's output for each.
        count: The number of directions, at most noise_dim.

    Returns:
        float32 [count, noise_dim] of length 1, that of the widest component first.

    Raises:
        ValueError: If count is out of range, or the activations vary in fewer components.
    """
    activations = np.asarray(activations, np.float64).reshape(len(activations), -1)
    noise = np.asarray(noise, np.float64)
    centered = activations - activations.mean(0)
    # The eigenvectors of the rows' products are, up to scale, the rows' coordinates along the
    # components. They are orthogonal, so each direction is solved for alone.
    widths, vectors = np.linalg.eigh(centered @ centered.T)  # ascending
    rank = min(int((widths > 1e-9 * max(widths[-1], 1e-30)).sum()), noise.shape[1])
    _check(count, rank, "the number of components that the activations have")
    directions = vectors[:, ::-1][:, :count].T @ (noise - noise.mean(0))
    return _oriented(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def _check(count: int, most: int, what: str) -> None:
    if not 1 <= count <= most:
        raise ValueError(f"directions must be 1 to {most}, {what}. Received: {count}")


def _oriented(directions: np.ndarray) -> np.ndarray:
    """The same, each with its largest component positive: a direction's sign is arbitrary."""
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return (directions * signs[:, None]).astype(np.float32)
