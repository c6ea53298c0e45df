"""A convolution whose kernel has the largest singular value 1."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="gans")
class SpectralConv2D(keras.layers.Conv2D):
    """Conv2D with spectral normalization: the kernel, as a matrix W, is divided by sigma(W).

    Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks"
    (https://arxiv.org/abs/1802.05957), Algorithm 1. W is the kernel as a [kernel height * kernel
    width * channels, filters] matrix; its largest singular value sigma is estimated by the power
    method, one iteration in each call with training=True, which starts where the last one ended.

    `keras.layers.SpectralNormalization` is not used: it overwrites the kernel in the forward
    pass, so that gradients do not see the division, and starts from an unseeded vector.

    Args:
        filters, kernel_size, **options: As for `keras.layers.Conv2D`.
        seed: Seed of the vector that the power method starts from.

    Call arguments:
        inputs: [N, H, W, C].
        training: Whether to improve the estimate of sigma first. Otherwise the layer changes
            nothing.

    Returns:
        The convolved images in the compute dtype; sigma is a float32 in every precision.
    """

    def __init__(self, filters: int, kernel_size: int | tuple[int, int], *, seed: int, **options):
        super().__init__(filters, kernel_size, **options)
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        # Replicas see the same kernel, so they write the same vector, which is also their mean.
        self.u = self.add_weight(
            name="u", shape=(1, self.filters), initializer=self._random_direction, dtype="float32",
            trainable=False, autocast=False,
        )

    def _random_direction(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return ops.normalize(keras.random.normal(shape, dtype=dtype, seed=self.seed))

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            weights = ops.stop_gradient(self._matrix(self.kernel))
            v = ops.normalize(ops.matmul(self.u.value, ops.transpose(weights)))  # [1, K]
            self.u.assign(ops.normalize(ops.matmul(v, weights)))
        return super().call(inputs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        weights = self._matrix(kernel)
        u = ops.stop_gradient(self.u.value)
        v = ops.stop_gradient(ops.normalize(ops.matmul(u, ops.transpose(weights))))
        # u and v are constants of the gradient, W is not (equation 12).
        sigma = ops.sum(ops.matmul(v, weights) * u)
        # The bound keeps a kernel of zeros zero.
        kernel = ops.cast(kernel, "float32") / ops.maximum(sigma, 1e-12)
        return super().convolution_op(inputs, ops.cast(kernel, inputs.dtype))

    def _matrix(self, kernel: Any) -> Any:
        """The kernel as it is convolved with (rounded, under mixed precision): float32 [K, F]."""
        return ops.reshape(ops.cast(kernel, "float32"), (-1, self.filters))

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)  # kernel and bias, and nothing else
        store["u"] = self.u

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(store)
        self.u.assign(store["u"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
