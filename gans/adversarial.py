"""What every adversarial model shares: two networks, two optimizers, EMA, seeded noise, saving."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gans import noise as noise_module
from gans.architectures import get_architecture
from gans.ema import update_average
from gans.generator_files import save_generator

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


class AdversarialModel(keras.Model):
    """A generator and a critic, trained against each other by a subclass's `train_step`.

    Both networks, the EMA generator and (after `compile`) both optimizers exist with all their
    variables from the start, so that weights can be loaded at any time.

    Args:
        image_shape: (H, W, C); C is 1 or 3. Which H and W work depends on the architecture.
        noise_dim: Length of a noise vector.
        architecture: Name of a module in `gans.architectures`.
        base_filters: Width of the networks; None takes the architecture's own.
        critic_normalization: "none", "batch", "layer" or "instance".
        n_critic: Critic updates for each generator update.
        noise: "normal" (standard) or "uniform" (in [-1, 1]).
        ema_decay: Decay of the moving average of the generator's weights, in [0, 1); 0 turns it
            off. Warmed up: min(ema_decay, (1 + t) / (10 + t)) after t generator steps.
        seed: Seed of the initial weights and of every draw while training.
        precision: "float32", "mixed_bfloat16" or "mixed_float16", of both networks. Scores,
            losses, penalty norms and EMA stay float32.
        logs: Names of what `train_step` logs.
        name: Name of the model.

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].
        training: Whether batch normalisation uses the batch's statistics.

    Returns:
        Images float32 [N, H, W, C] in [-1, 1] from the generator as it is now (not the EMA).

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        noise_dim: int,
        architecture: str,
        base_filters: int | None,
        critic_normalization: str,
        n_critic: int,
        noise: str,
        ema_decay: float,
        seed: int,
        precision: str,
        logs: Sequence[str],
        name: str | None = None,
    ):
        super().__init__(name=name)
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
        _require(0 <= ema_decay < 1, "ema_decay", "be in [0, 1)", ema_decay)
        _require(0 <= seed < 2**31, "seed", "be in [0, 2^31)", seed)
        _require(precision in PRECISIONS, "precision", f"be one of {', '.join(PRECISIONS)}",
                 precision)
        self._init_config = {
            "image_shape": image_shape,
            "noise_dim": noise_dim,
            "architecture": architecture,
            "base_filters": base_filters,
            "critic_normalization": critic_normalization,
            "n_critic": n_critic,
            "noise": noise,
            "ema_decay": ema_decay,
            "seed": seed,
            "precision": precision,
        }
        self.image_shape = image_shape
        self.noise_dim = noise_dim
        self.n_critic = n_critic
        self.noise = noise
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
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", initializer="zeros", trainable=False
        )
        self.keep_logs_once = False
        self._trackers = [keras.metrics.Mean(name=log) for log in logs]
        self.built = True

    # --- Keras interface ---

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.generator(inputs, training=training)

    @property
    def metrics(self) -> list[keras.Metric]:
        return self._trackers

    def reset_metrics(self) -> None:
        """Starts the logs' means anew; skipped once where a run goes on inside an interval."""
        if not self.keep_logs_once:
            super().reset_metrics()
        self.keep_logs_once = False

    def compile(
        self,
        critic_optimizer: keras.Optimizer,
        generator_optimizer: keras.Optimizer,
        jit_compile: bool | str = "auto",
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
    ) -> None:
        """Sets the two optimizers and how the train function is built.

        Args:
            critic_optimizer: Keras optimizer of the critic's trainable weights.
            generator_optimizer: Keras optimizer of the generator's trainable weights.
            jit_compile: Whether to use XLA; "auto" does on a GPU and does not on a CPU, where
                it makes convolutions slower.
            run_eagerly: Run `train_step` without a graph, for debugging.
            steps_per_execution: Generator steps in one call of the train function.
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
        self.critic_optimizer = self._prepare_optimizer(critic_optimizer, self.critic)
        self.generator_optimizer = self._prepare_optimizer(generator_optimizer, self.generator)

    def _prepare_optimizer(
        self, optimizer: keras.Optimizer, network: keras.Model
    ) -> keras.Optimizer:
        loss_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.precision == "mixed_float16" and not loss_scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(network.trainable_variables)
        return optimizer

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

    def save_own_variables(self, store: Any) -> None:
        store["step"] = np.asarray(self.step)
        # What the current interval has summed so far: a run that goes on inside an interval
        # logs the same means as one that was never interrupted.
        store["logs"] = np.asarray([[np.asarray(v) for v in m.variables] for m in self.metrics])

    def load_own_variables(self, store: Any) -> None:
        self.step.assign(store["step"][()])
        for metric, values in zip(self.metrics, store["logs"][()], strict=True):
            for variable, value in zip(metric.variables, values, strict=True):
                variable.assign(value)

    def load_weights(self, filepath: str | Path, **options: Any) -> None:
        """Loads what `save_weights` wrote: networks, optimizers, EMA, step and logs.

        Raises:
            ValueError: If the file cannot be read, or is not of a model like this one. Some
                weights may have been loaded by then.
        """
        try:
            with warnings.catch_warnings():
                # Keras only warns where a part of the file fits nothing, and loads the rest.
                warnings.simplefilter("error", UserWarning)
                super().load_weights(filepath, **options)
        except (OSError, KeyError, ValueError, UserWarning) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"{filepath} must be a .weights.h5 file of a model with the same options. "
                f"Received: {reason[:200]}"
            ) from error

    def set_step(self, step: int) -> None:
        """Counts generator steps, and with them the decay of the learning rates, from `step`."""
        self.step.assign(step)
        for optimizer, updates in [
            (self.critic_optimizer, self.n_critic),
            (self.generator_optimizer, 1),
        ]:
            inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss-scaling one
            inner.iterations.assign(step * updates)

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

    def update_ema(self) -> None:
        """Follows the generator's weights, batch-norm statistics included, with the average."""
        update_average(
            self.ema_generator.weights, self.generator.weights, self.ema_decay, self.step.value
        )

    def track(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds one step's logs to the interval's means and returns these."""
        for tracker in self._trackers:
            tracker.update_state(logs[tracker.name])
        return {tracker.name: tracker.result() for tracker in self._trackers}

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
