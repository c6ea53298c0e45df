"""Training on several devices and machines with `tf.distribute`, as one device would train.

The batch size is that of the global batch. Every replica takes its own positions of it: its images
of the shuffled stream and its part of the noise. Losses are divided by the number of replicas,
because Keras sums gradients, and logs are averaged. So the number of replicas decides how fast a
step is, not what it computes. The exceptions are rounding, and batch normalization, whose
statistics are each replica's own unless they are synchronized.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from gans.distribution.cluster import described_workers


def open_strategy(devices: int | str | None = None) -> tf.distribute.Strategy:
    """The strategy to build a model under: `with strategy.scope(): gan = WassersteinGAN(...)`.

    The environment variable TF_CONFIG names several workers;
    `gans.distribution.cluster.describe_workers` writes it. With them, this call must come before
    anything else that starts TensorFlow, and it returns when all workers have called it.

    Args:
        devices: How many of the machine's GPUs to use (without a GPU: of its logical CPUs), or
            "all". None: one, or with several workers all GPUs of each.

    Returns:
        MultiWorkerMirroredStrategy for several workers, MirroredStrategy for several devices, and
        otherwise TensorFlow's default strategy.

    Raises:
        ValueError: If there are not that many devices, or the workers are badly described.
    """
    several_workers = described_workers()[0] > 1
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    # Listing logical devices starts TensorFlow; after that it is too late to add workers.
    listed = tf.config.list_physical_devices if several_workers else tf.config.list_logical_devices
    found = listed(kind)
    if isinstance(devices, int) and not 1 <= devices <= len(found):
        found_no_gpu = "" if kind == "GPU" else ", because TensorFlow finds no GPU"
        raise ValueError(
            f"devices must be 1 to {len(found)}, the {kind}s of this machine{found_no_gpu}, or "
            f"all. Received: {devices}"
        )
    if several_workers:
        if isinstance(devices, int):
            tf.config.set_visible_devices(found[:devices], kind)
        return tf.distribute.MultiWorkerMirroredStrategy()
    count = len(found) if devices == "all" else devices or 1
    if count == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])


def has_several_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether the strategy's replicas are in several processes."""
    return len(_workers(strategy)) > 1


def _workers(strategy: tf.distribute.Strategy) -> list[tuple[str, int]]:
    """(job, index) of every worker, in the order of the replicas; a single worker has no name."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return [("", 0)]
    cluster = strategy.cluster_resolver.cluster_spec()
    jobs = [job for job in ("chief", "worker") if job in cluster.jobs]
    return [(job, i) for job in jobs for i in range(cluster.num_tasks(job))] or [("", 0)]


def check_batch_size(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Raises ValueError if a global batch cannot be divided among the replicas."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        near = max(replicas, round(batch_size / replicas) * replicas)
        raise ValueError(
            "batch_size counts the images of all devices together and must be a multiple of their "
            f"number, {replicas}: use {near}. Received: {batch_size}"
        )


def distributed_dataset(
    strategy: tf.distribute.Strategy, dataset_of: Callable[[int, range], tf.data.Dataset]
) -> Any:
    """A dataset for `fit`; each worker makes only the elements of its own replicas.

    `dataset_of(number of replicas, this worker's replicas)` gives a dataset whose elements belong
    to this worker's replicas in turn.
    """
    local = len(strategy.extended.worker_devices)

    def own(context: tf.distribute.InputContext) -> tf.data.Dataset:
        first = context.input_pipeline_id * local
        return dataset_of(strategy.num_replicas_in_sync, range(first, first + local))

    return strategy.distribute_datasets_from_function(own)


# --- in each replica ---


def mean_over_replicas(values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """The mean over all replicas of their float32 tensors, in one exchange for all tensors."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return list(values)
    return _reduced(tf.distribute.ReduceOp.MEAN, values)


def _reduced(operation: tf.distribute.ReduceOp, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Tensors of one type, reduced over all replicas."""
    context = tf.distribute.get_replica_context()
    local = context.strategy.extended.worker_devices
    # all_reduce asks where a tensor is, but a worker's only replica runs nowhere in particular.
    with tf.device(local[0]) if len(local) == 1 else contextlib.nullcontext():
        flat = tf.concat([tf.reshape(value, [-1]) for value in values], axis=0)
    parts = tf.split(
        context.all_reduce(operation, flat), [value.shape.num_elements() for value in values]
    )
    return [tf.reshape(part, value.shape) for part, value in zip(parts, values, strict=True)]


# --- between steps, on every worker in the same order ---


class Exchange:
    """What several workers exchange between steps. Every worker must make the same calls.

    A single worker exchanges with itself.

    Attributes:
        count: The number of workers.
        is_chief: Whether this one, the only one or the first (a TF_CONFIG's chief), writes files.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        workers, self._index = _workers(strategy), 0
        if len(workers) > 1:
            resolver = strategy.cluster_resolver
            self._index = workers.index((resolver.task_type, resolver.task_id))
        self.count, self.is_chief = len(workers), self._index == 0
        self._sum = tf.function(self._summed, autograph=False, reduce_retracing=True)

    def gather(self, value: int) -> list[int]:
        """Every worker's number, int64, by worker; returns when all workers have called."""
        if self.count == 1:
            return [value]
        row = tf.one_hot(self._index, self.count, value, 0, dtype=tf.int64)
        total = self._strategy.experimental_local_results(self._sum(row))[0]
        return [int(x) // len(self._strategy.extended.worker_devices) for x in total]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on at least one of the workers."""
        return any(self.gather(int(flag)))

    def share(self, variables: Sequence[keras.Variable]) -> None:
        """Gives all workers the first one's values, bit for bit."""
        if self.count == 1:
            return
        by_type: dict[str, list[keras.Variable]] = {}
        for variable in variables:
            by_type.setdefault(variable.dtype, []).append(variable)

        def assign() -> None:
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            for group in by_type.values():
                # The first replica's values plus zeros: an exact sum.
                own = [
                    tf.where(tf.equal(replica, 0), variable.value, tf.zeros_like(variable.value))
                    for variable in group
                ]
                sums = _reduced(tf.distribute.ReduceOp.SUM, own)
                for variable, value in zip(group, sums, strict=True):
                    variable.assign(value)

        tf.function(lambda: self._strategy.run(assign), autograph=False)()

    def _summed(self, row: tf.Tensor) -> Any:
        def add(row: tf.Tensor) -> tf.Tensor:
            return _reduced(tf.distribute.ReduceOp.SUM, [row])[0]

        return self._strategy.run(add, args=(row,))
