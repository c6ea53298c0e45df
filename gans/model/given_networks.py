"""Networks of one's own, in place of an architecture's: what they decide, and what they must be."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from utils.options.model import ModelOptions


def options_for(
    group: type[ModelOptions],
    defaults: Mapping[str, Any],
    given: Mapping[str, Any],
    generator: keras.Model | None,
    critic: keras.Model | None,
) -> ModelOptions:
    """The options of a model: those given, over what given networks decide, over defaults.

    Raises:
        ValueError: If an option keeps no rule, or is not that of a network that is given.
    """
    decided, of_architectures = {}, []
    for name, network in [("generator", generator), ("critic", critic)]:
        if network is None:
            continue
        if not isinstance(network, keras.Model):
            raise ValueError(f"{name} must be a keras.Model. Received: {type(network).__name__}")
        decided["precision"] = network.dtype_policy.name
    if generator is not None and (size := _input_shape(generator)):
        decided["noise_dim"] = size[0]
    if critic is not None:
        of_architectures.append("critic_normalization")
        if generator is not None:
            of_architectures += ["architecture", "base_filters"]
    for name in of_architectures:
        if given.get(name) is not None:
            raise ValueError(
                f"{name} must be left out with networks of your own, which decide it. "
                f"Received: {given[name]!r}"
            )
    for name, value in decided.items():
        if given.get(name, value) != value:
            raise ValueError(
                f"{name} must be that of the networks given, {value}, or be left out. "
                f"Received: {given[name]!r}"
            )
    return group(**{**defaults, **decided, **given})


def image_shape_of(
    image_shape: tuple[int, ...] | None,
    noise_dim: int,
    generator: keras.Model | None,
    critic: keras.Model | None,
) -> tuple[int, ...]:
    """The shape of the images: as given, else a network's own, else (64, 64, 3)."""
    if image_shape is not None:
        return tuple(image_shape)
    if generator is not None:
        return tuple(_outputs(generator, "generator", (noise_dim,)).shape[1:])
    return (critic is not None and _input_shape(critic)) or (64, 64, 3)


def check_generator(generator: keras.Model, noise_dim: int, image_shape: tuple) -> None:
    """Raises ValueError unless it makes images of the shape, in float32, of noise."""
    images = _outputs(generator, "generator", (noise_dim,))
    if tuple(images.shape) != (2, *image_shape) or images.dtype != np.float32:
        raise ValueError(
            f"generator must give float32 images [N, {', '.join(map(str, image_shape))}] of noise "
            f"[N, {noise_dim}]. Received: a generator that gives {images.dtype} "
            f"{[None, *images.shape[1:]]}"
        )


def check_critic(critic: keras.Model, image_shape: tuple, has_penalty: bool) -> None:
    """Raises ValueError unless it scores each image and, under a penalty, each by itself."""
    scores = _outputs(critic, "critic", image_shape)
    if tuple(scores.shape) != (2, 1) or scores.dtype != np.float32:
        raise ValueError(
            "critic must give float32 scores [N, 1] of images "
            f"[N, {', '.join(map(str, image_shape))}]. Received: a critic that gives "
            f"{scores.dtype} {[None, *scores.shape[1:]]}"
        )
    # The public `layers` would pass over those inside a layer of the user's own.
    mixing = [layer.name for layer in critic._flatten_layers()
              if isinstance(layer, keras.layers.BatchNormalization)]  # fmt: skip
    if has_penalty and mixing:
        raise ValueError(
            "critic must not have batch normalization under the gradient penalty, which belongs to "
            "each image alone: take GroupNormalization or none. "
            f"Received: a critic with the layer {mixing[0]}"
        )


def copy_of(network: keras.Model, input_size: int) -> keras.Model:
    """A network with the same layers, and weights of its own that are already there."""
    copy = keras.saving.deserialize_keras_object(serialized(network))
    copy(np.zeros((1, input_size), np.float32))  # a subclass has no weights before
    return copy


def serialized(network: keras.Model) -> dict[str, Any]:
    """What Keras saves of a network's layers.

    Raises:
        ValueError: If it cannot be saved.
    """
    try:
        return keras.saving.serialize_keras_object(network)
    except (NotImplementedError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{network.name} must be a network that Keras can save: give its class a get_config. "
            f"Received: a {type(network).__name__} ({reason})"
        ) from error


def _input_shape(network: keras.Model) -> tuple[int, ...] | None:
    """Without the batch; None of a subclass of keras.Model, which takes what it is called on."""
    shape = getattr(network, "input_shape", None)
    return shape[1:] if isinstance(shape, tuple) and isinstance(shape[0], int | None) else None


def _outputs(network: keras.Model, argument: str, size: tuple[int, ...]) -> Any:
    """What a network gives for two zeros of a size."""
    try:
        outputs = network(np.zeros((2, *size), np.float32), training=False)
        return np.asarray(outputs)
    except Exception as error:  # which depends on the layer that does not fit
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{argument} must take one input [N, {', '.join(map(str, size))}]. "
            f"Received: a model that does not ({reason})"
        ) from error
