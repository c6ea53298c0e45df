"""What every adversarial model shares: two networks, two optimizers, EMA, seeded noise, saving."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from gans import noise as noise_module
from gans.architectures import get_architecture
from gans.ema import update_average
from gans.generator_files import save_generator
from gans.optimizers import build_optimizers, scaled_for, set_iterations
from gans.resumable import ResumableModel

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


class AdversarialModel(ResumableModel):
    """A generator and a critic that are trained against each other.

    A subclass says how: it defines `train_step`, `optimizer_defaults` and `progress_logs`. Both
    networks, the EMA generator and (after `compile`) both optimizers exist with all their
    variables from the start, so that weights can be loaded at any time.

    Args:
        method: "wgan-gp", "wgan" or "dcgan": what the architecture's default normalisation is for.
        image_shape: (H, W, C); C is 1 or 3. Which H and W work depends on the architecture.
        noise_dim: Length of a noise vector.
        architecture: Name of a module in `gans.architectures`.
        base_filters: Width of the networks; None takes the architecture's own.
        critic_normalization: "none", "batch", "layer", "instance", or "published" where the
            architecture has it; None takes the architecture's own for the method.
        n_critic: Critic updates for each generator update.
        noise: "normal" (standard) or "uniform" (in [-1, 1]).
        real_noise: Share in [0, 1) of uniform noise in [-1, 1] that real images are mixed with
            before the critic sees them.
        ema_decay: Decay of the moving average of the generator's weights, in [0, 1); 0 turns it
            off. Warmed up: min(ema_decay, (1 + t) / (10 + t)) after t generator steps.
        seed: Seed of the initial weights and of every draw while training.
        precision: "float32", "mixed_bfloat16" or "mixed_float16", of both networks. Scores,
            losses, penalty norms and EMA stay float32.
        logs: Names of what a step logs.
        name: Name of the model.

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].
        training: Whether batch normalisation uses the batch's statistics.

    Returns:
        Images float32 [N, H, W, C] in [-1, 1] from the generator as it is now (not the EMA).

    Raises:
        ValueError: If an argument is out of its range.
    """

    progress_logs: ClassVar[dict[str, str]]  # what the progress bar shows: label -> name of a log

    def __init__(
        self,
        method: str,
        image_shape: tuple[int, int, int],
        noise_dim: int,
        architecture: str,
        base_filters: int | None,
        critic_normalization: str | None,
        n_critic: int,
        noise: str,
        real_noise: float,
        ema_decay: float,
        seed: int,
        precision: str,
        logs: Sequence[str],
        name: str | None = None,
    ):
        super().__init__(logs, name=name)
        module = get_architecture(architecture)
        if base_filters is None:
            base_filters = module.BASE_FILTERS
        image_shape = tuple(image_shape)
        _require(len(image_shape) == 3 and image_shape[2] in (1, 3), "image_shape",
                 "be (H, W, C) with 1 or 3 channels", image_shape)
        for argument, value in [
            ("noise_dim", noise_dim),
            ("base_filters", base_filters),
            ("n_critic", n_critic),
        ]:
            _require(value >= 1, argument, "be 1 or more", value)
        _require(noise in noise_module.NOISES, "noise",
                 f"be one of {', '.join(noise_module.NOISES)}", noise)
        for argument, value in [("real_noise", real_noise), ("ema_decay", ema_decay)]:
            _require(0 <= value < 1, argument, "be in [0, 1)", value)
        _require(0 <= seed < 2**31, "seed", "be in [0, 2^31)", seed)
        _require(precision in PRECISIONS, "precision", f"be one of {', '.join(PRECISIONS)}",
                 precision)
        if critic_normalization is None:
            critic_normalization = module.critic_normalization(method, image_shape)
        self._init_config = {
            "image_shape": image_shape,
            "noise_dim": noise_dim,
            "architecture": architecture,
            "base_filters": base_filters,
            "critic_normalization": critic_normalization,
            "n_critic": n_critic,
            "noise": noise,
            "real_noise": real_noise,
            "ema_decay": ema_decay,
            "seed": seed,
            "precision": precision,
        }
        self.image_shape = image_shape
        self.noise_dim = noise_dim
        self.n_critic = n_critic
        self.noise = noise
        self.real_noise = real_noise
        self.ema_decay = ema_decay
        self.seed = seed
        self.precision = precision

        with _dtype_policy(precision):
            # The critic's seed differs: equal layers of the two networks must not start equal.
            self.generator = module.build_generator(image_shape, noise_dim, base_filters, 2 * seed)
            self.critic = module.build_critic(
                image_shape, base_filters, critic_normalization, 2 * seed + 1
            )
            self.ema_generator = keras.models.clone_model(self.generator)
        self.ema_generator.set_weights(self.generator.get_weights())
        self.built = True

    @property
    def optimizer_defaults(self) -> dict[str, Any]:
        """The method's own `optimizer`, `learning_rate`, `beta_1` and `beta_2`."""
        raise NotImplementedError

    # --- Keras interface ---

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.generator(inputs, training=training)

    def compile(
        self,
        critic_optimizer: keras.Optimizer | None = None,
        generator_optimizer: keras.Optimizer | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        generator_learning_rate: float | None = None,
        beta_1: float | None = None,
        beta_2: float | None = None,
        decay_rate: float = 1.0,
        jit_compile: bool | str = "auto",
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
    ) -> None:
        """Sets the two optimizers and how the train function is built.

        Args:
            critic_optimizer: Keras optimizer of the critic; None: made from the options below.
            generator_optimizer: Likewise for the generator.
            optimizer: "adam" or "rmsprop". None: the method's own, as for the next three; a
                class's docstring states them.
            learning_rate: Of both optimizers.
            generator_learning_rate: The generator's, where it differs.
            beta_1: Adam's.
            beta_2: Adam's.
            decay_rate: Factor by which both learning rates fall over every 1,000 generator steps.
            jit_compile: Whether to use XLA; "auto" does on a GPU and does not on a CPU, where
                it makes convolutions slower.
            run_eagerly: Run `train_step` without a graph, for debugging.
            steps_per_execution: Generator steps in one call of the train function.

        Raises:
            ValueError: If an option of the optimizers is out of its range.
        """
        self._compile_arguments = {
            "jit_compile": jit_compile,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
        }
        if jit_compile == "auto":
            jit_compile = bool(tf.config.list_physical_devices("GPU")) and not run_eagerly
        super().compile(
            optimizer=None,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )
        given = {
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "beta_1": beta_1,
            "beta_2": beta_2,
        }
        options = {
            name: default if given[name] is None else given[name]
            for name, default in self.optimizer_defaults.items()
        }
        built = build_optimizers(
            self.n_critic,
            generator_learning_rate=generator_learning_rate,
            decay_rate=decay_rate,
            **options,
        )
        self.critic_optimizer = scaled_for(self.precision, critic_optimizer or built[0])
        self.generator_optimizer = scaled_for(self.precision, generator_optimizer or built[1])
        self.critic_optimizer.build(self.critic.trainable_variables)
        self.generator_optimizer.build(self.generator.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        return {**self._init_config, "name": self.name}

    def get_compile_config(self) -> dict[str, Any]:
        if not self.compiled:
            return {}
        return {
            "critic_optimizer": keras.saving.serialize_keras_object(self.critic_optimizer),
            "generator_optimizer": keras.saving.serialize_keras_object(self.generator_optimizer),
            **self._compile_arguments,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))

    def set_step(self, step: int) -> None:
        """Counts generator steps, and with them the decay of the learning rates, from `step`."""
        self.step.assign(step)
        set_iterations(self.critic_optimizer, step * self.n_critic)
        set_iterations(self.generator_optimizer, step)

    # --- pieces of a train step ---

    @property
    def replicas(self) -> int:
        """Number of replicas that train in step; Keras sums their gradients."""
        return self.distribute_strategy.num_replicas_in_sync

    def batch_size(self, real_images: tf.Tensor) -> int:
        """Images of one update, N, of an element [n_critic * N, H, W, C] of the data."""
        count = real_images.shape[0]
        if not count or count % self.n_critic:
            raise ValueError(
                f"data must have elements of n_critic * batch_size images with n_critic="
                f"{self.n_critic} (use drop_remainder=True when batching). "
                f"Received: shape {tuple(real_images.shape)}"
            )
        return count // self.n_critic

    def real_batches(self, real_images: tf.Tensor) -> list[tf.Tensor]:
        """An element of the data as the batches of the `n_critic` critic updates.

        Args:
            real_images: float32 [n_critic * N, H, W, C] in [-1, 1].

        Returns:
            `n_critic` times float32 [N, H, W, C]: (1 - real_noise) * images + real_noise * uniform
            noise in [-1, 1].

        Raises:
            ValueError: If the number of images is not a known multiple of n_critic.
        """
        self.batch_size(real_images)
        if self.real_noise:
            seed = noise_module.draw_seed(self.seed, self.step.value, noise_module.REAL_NOISE)
            noise = noise_module.training_noise("uniform", real_images.shape, seed)
            real_images = (1.0 - self.real_noise) * real_images + self.real_noise * noise
        return tf.split(real_images, self.n_critic)

    def training_noise(self, batch_size: int, purpose: int, iteration: int = 0) -> tf.Tensor:
        """Noise float32 [batch_size, noise_dim] of this step, update and replica."""
        seed = noise_module.draw_seed(self.seed, self.step.value, purpose, iteration)
        return noise_module.training_noise(self.noise, (batch_size, self.noise_dim), seed)

    def minimize(
        self,
        tape: tf.GradientTape,
        loss: tf.Tensor,
        network: keras.Model,
        optimizer: keras.Optimizer,
    ) -> None:
        """One update of `network`'s trainable weights against `loss`, a float32 scalar."""
        # Starting the backward pass from a scaled 1 scales the loss: for the replicas, whose
        # gradients Keras sums, and for float16, where the optimizer undoes it.
        start = optimizer.scale_loss(tf.ones_like(loss) / self.replicas)
        gradients = tape.gradient(loss, network.trainable_variables, output_gradients=start)
        optimizer.apply(gradients, network.trainable_variables)

    def finish_step(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Lets the EMA follow the generator, batch-norm statistics included, and counts the step.

        Args:
            logs: What the step logs, float32 scalars.

        Returns:
            The means of the logs since the last `reset_metrics`.
        """
        update_average(
            self.ema_generator.weights, self.generator.weights, self.ema_decay, self.step.value
        )
        self.step.assign_add(1)
        return self.track(logs)

    # --- what a user calls ---

    def generate(
        self, n: int, seed: int = 0, truncation: float | None = None, batch_size: int = 64
    ) -> np.ndarray:
        """New images from the EMA generator.

        Args:
            n: Number of images.
            seed: Image i depends on (seed, i) only, whatever n is.
            truncation: None, or a bound on the noise's components (at least 0.01): less variety,
                more typical images.
            batch_size: Images made at a time.

        Returns:
            uint8 [n, H, W, C] in 0..255.

        Raises:
            ValueError: If n or batch_size is below 1, or the seed or truncation is out of range.
        """
        _require(n >= 1, "n", "be 1 or more", n)
        _require(batch_size >= 1, "batch_size", "be 1 or more", batch_size)
        images = np.empty((n, *self.image_shape), np.uint8)
        for first in range(0, n, batch_size):
            # Always a whole batch: one trace, and the same arithmetic for every image.
            noise = noise_module.generation_noise(
                self.noise, batch_size, self.noise_dim, seed, truncation, first
            )
            count = min(batch_size, n - first)
            images[first : first + count] = self._generate_batch(tf.constant(noise))[:count]
        return images

    @tf.function(autograph=False, reduce_retracing=True)
    def _generate_batch(self, noise: tf.Tensor) -> tf.Tensor:
        images = self.ema_generator(noise, training=False)
        return tf.cast(tf.round((images + 1.0) * 127.5), tf.uint8)

    def save_generator(self, path: str | Path) -> None:
        """Writes the EMA generator to `path`: .keras, .h5, or else a SavedModel folder.

        See `gans.generator_files.save_generator`.
        """
        save_generator(self.ema_generator, path)

    def train(
        self,
        data: Any,
        train_steps: int,
        save_interval: int = 500,
        save_path: str | Path = "runs/gan",
        **options: Any,
    ) -> Any:
        """Trains for `train_steps` generator steps in all, into a run directory.

        Args, errors and what it returns are those of `gans.callbacks.train`, which assembles the
        callbacks and calls `fit`; options are `resume`, `save_best_only`, `tensorboard`, `quiet`,
        `callbacks` and `options`.
        """
        from gans.callbacks import train  # matplotlib and the like only where a run is written

        return train(self, data, train_steps, save_interval, save_path, **options)


def _require(condition: bool, argument: str, rule: str, received: Any) -> None:
    if not condition:
        raise ValueError(f"{argument} must {rule}. Received: {received!r}")


@contextlib.contextmanager
def _dtype_policy(precision: str) -> Iterator[None]:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
