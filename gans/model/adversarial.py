"""What adversarial models share in training: two optimizers, seeded noise, EMA, replicas."""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import tensorflow as tf

from gans.distribution.strategy import mean_over_replicas
from gans.model import draws
from gans.model.accumulation import mean_over_parts
from gans.model.ema import update_average
from gans.model.networks import GeneratorAndCritic
from gans.model.optimizers import optimizers_of, set_iterations
from utils.options.model import OptimizerOptions

Loss = Callable[..., tuple[tf.Tensor, dict[str, tf.Tensor]]]


class AdversarialModel(GeneratorAndCritic):
    """A generator and a critic that are trained against each other.

    A subclass defines how: `train_step`, `optimizer_defaults` and `progress_logs`. After `compile`,
    both optimizers have all their variables, so weights can be loaded. Arguments are those of
    `GeneratorAndCritic`.
    """

    progress_logs: ClassVar[dict[str, str]]  # what the progress bar shows: label -> name of a log

    @property
    def optimizer_defaults(self) -> dict[str, Any]:
        """The method's own `optimizer`, `learning_rate`, `beta_1` and `beta_2`."""
        raise NotImplementedError

    def compile(
        self,
        critic_optimizer: keras.Optimizer | None = None,
        generator_optimizer: keras.Optimizer | None = None,
        jit_compile: bool | str = "auto",
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        **options: Any,
    ) -> None:
        """Sets the two optimizers and how the train function is built.

        Args:
            critic_optimizer: Keras optimizer of the critic; None: made from the options below.
            generator_optimizer: The same for the generator.
            jit_compile: Whether to use XLA; "auto" uses it on one GPU, but not on a CPU, where it
                makes convolutions slower, or on several devices, where it does not work.
            run_eagerly: Run `train_step` without a graph, for debugging.
            steps_per_execution: Generator steps in one call of the train function.
            **options: `utils.options.model.OptimizerOptions`; what is not given, or None, is the
                method's own, as the class's docstring states it.

        Raises:
            ValueError: If an option of the optimizers is out of range, or XLA is requested on
                several replicas.
        """
        how = {"run_eagerly": run_eagerly, "steps_per_execution": steps_per_execution}
        self._compile_arguments = {"jit_compile": jit_compile, **how}
        if jit_compile == "auto":
            has_gpu = bool(tf.config.list_physical_devices("GPU"))
            jit_compile = has_gpu and not run_eagerly and self.replicas == 1
        elif jit_compile and self.replicas > 1:
            raise ValueError(
                "jit_compile must be False or 'auto' with several replicas, because XLA cannot "
                f"compile their exchange. Received: {jit_compile}"
            )
        super().compile(optimizer=None, jit_compile=jit_compile, **how)
        given = {name: value for name, value in options.items() if value is not None}
        options = OptimizerOptions(**{**self.optimizer_defaults, **given})
        with self.distribute_strategy.scope():
            self.critic_optimizer, self.generator_optimizer = optimizers_of(
                options, self.options.n_critic, self.options.precision,
                critic_optimizer, generator_optimizer,
            )  # fmt: skip
            self.critic_optimizer.build(self.critic.trainable_variables)
            self.generator_optimizer.build(self.generator.trainable_variables)

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
        """Counts generator steps, and the decay of the learning rates, from `step`."""
        self.step.assign(step)
        set_iterations(self.critic_optimizer, step * self.options.n_critic)
        set_iterations(self.generator_optimizer, step)

    # --- pieces of a train step ---

    @property
    def replicas(self) -> int:
        """Number of replicas that train in step; Keras sums their gradients."""
        return self.distribute_strategy.num_replicas_in_sync

    def batch_size(self, real_images: tf.Tensor) -> int:
        """The images of one update, N, given an element [n_critic * N, H, W, C] of the data.

        Under a distribution strategy a replica's N is its part of the batch.
        """
        count = real_images.shape[0]
        if not count or count % self.options.n_critic:
            raise ValueError(
                f"data must have elements of n_critic * batch_size images with n_critic="
                f"{self.options.n_critic} (use drop_remainder=True when batching). "
                f"Received: shape {tuple(real_images.shape)}"
            )
        return count // self.options.n_critic

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
        batch_size = self.batch_size(real_images)
        if self.options.real_noise:
            seed = draws.draw_seed(self.options.seed, self.step.value, draws.Purpose.REAL_NOISE)
            shape = (self.options.n_critic, batch_size * self.replicas, *real_images.shape[1:])
            noise = draws.training_noise("uniform", shape, seed)
            noise = tf.reshape(draws.own_part(noise, axis=1), real_images.shape)
            share = self.options.real_noise
            real_images = (1.0 - share) * real_images + share * noise
        return tf.split(real_images, self.options.n_critic)

    def training_noise(
        self, batch_size: int, purpose: draws.Purpose, iteration: int = 0
    ) -> tf.Tensor:
        """Noise float32 [batch_size, noise_dim] of this step, update and replica."""
        seed = draws.draw_seed(self.options.seed, self.step.value, purpose, iteration)
        shape = (batch_size * self.replicas, self.options.noise_dim)
        return draws.own_part(draws.training_noise(self.options.noise, shape, seed))

    def minimize(
        self, network: keras.Model, optimizer: keras.Optimizer, loss_of: Loss, *batch: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """One update of `network`'s trainable weights.

        Args:
            network: The network.
            optimizer: Its optimizer.
            loss_of: A batch, or one of its `accumulate` parts, to the loss and what to log, float32
                scalars that are means over the images.
            *batch: Tensors of N images each, or of as many vectors.

        Returns:
            What to log, of the whole batch.
        """

        def gradients_of(*images: tf.Tensor) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
            with tf.GradientTape() as tape:
                loss, logs = loss_of(*images)
            # Starting the backward pass from a scaled 1 scales the loss: for replicas, because
            # Keras sums their gradients, and for float16, where the optimizer undoes it.
            start = optimizer.scale_loss(tf.ones_like(loss) / self.replicas)
            return tape.gradient(
                loss, network.trainable_variables, output_gradients=start
            ), logs

        gradients, logs = mean_over_parts(self.options.accumulate, gradients_of, *batch)
        if self.replicas > 1 and isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # It skips an update that is not finite, and all replicas must do so together.
            flaw = tf.where(optimizer.check_finite(gradients), 0.0, float("nan"))
            flaw = mean_over_replicas([flaw])[0]
            gradients = [gradient + flaw for gradient in gradients]
        optimizer.apply(gradients, network.trainable_variables)
        return logs

    def update_generator(
        self, batch_size: int, loss_of: Callable[[tf.Tensor], tf.Tensor]
    ) -> tf.Tensor:
        """One generator update.

        Args:
            batch_size: N, the images to make.
            loss_of: Scores of fakes, float32 [N, 1], to the generator's loss, a scalar.

        Returns:
            The loss, a float32 scalar.
        """

        def loss_of_fakes(noise: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            loss = loss_of(self.critic(self.generator(noise, training=True), training=True))
            return loss, {"loss": loss}

        noise = self.training_noise(batch_size, draws.Purpose.GENERATOR_NOISE)
        return self.minimize(
            self.generator, self.generator_optimizer, loss_of_fakes, noise
        )["loss"]

    def finish_step(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Updates the EMA, batch-norm statistics included, and counts the step.

        Args:
            logs: What the step logs, float32 scalars.

        Returns:
            What `track` returns.
        """
        self._share_statistics()
        update_average(
            self.ema_generator.weights,
            self.generator.weights,
            self.options.ema_decay,
            self.step.value,
        )
        self.step.assign_add(1)
        return self.track(logs)

    def _share_statistics(self) -> None:
        """Gives all replicas the mean of their moving statistics of batch normalization."""
        statistics = [
            *self.generator.non_trainable_variables,
            *self.critic.non_trainable_variables,
        ]
        if self.replicas > 1 and statistics:
            means = mean_over_replicas([variable.value for variable in statistics])
            for variable, mean in zip(statistics, means, strict=True):
                variable.assign(mean)

    def train(self, data: Any, train_steps: int | None = None, **options: Any) -> Any:
        """Trains for `train_steps` generator steps in all, or for `minutes`, into a run directory.

        Arguments are those of `gans.training.options.TrainArguments`; errors and what it returns
        are those of `gans.training.train`, which assembles the callbacks and calls `fit`.
        """
        from gans.training import train  # matplotlib and the like only when a run is written

        return train(self, data, train_steps=train_steps, **options)
