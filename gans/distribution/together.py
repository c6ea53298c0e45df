"""What several workers agree on while they train together, and what non-writing workers do."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from gans.distribution.strategy import Exchange, has_several_workers

# What TensorFlow raises, among other things, when a peer is gone ...
LOST = (
    tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError, tf.errors.InternalError, tf.errors.UnavailableError,
    tf.errors.UnknownError,
)  # fmt: skip
# ... and how its message shows the cause: a closed connection, or a missed heartbeat.
_SIGNS = ("Collective ops is aborted", "heartbeat", "/job:", "Socket closed", "collective instance")


class WorkerLostError(ConnectionError):
    """Another worker has ended or cannot be reached; what was saved is whole."""


@contextlib.contextmanager
def lost_workers_named(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turns TensorFlow's many errors of a lost worker into one.

    Raises:
        WorkerLostError: For such an error, if there are several workers.
    """
    try:
        yield
    except LOST as error:
        is_lost = any(sign in error.message for sign in _SIGNS)
        if not (is_lost and has_several_workers(strategy)):
            raise
        raise WorkerLostError(
            "another worker has ended or cannot be reached: see its own messages, then start all "
            "workers again with --resume, which goes on from the last checkpoint"
        ) from error


def leave_together(exchange: Exchange) -> None:
    """Waits until all workers have done their work, the chief's files included."""
    exchange.any(False)
    with contextlib.suppress(*LOST):  # and until all know it: leaving now breaks nothing
        exchange.any(False)


def share_state(model: keras.Model, exchange: Exchange) -> None:
    """Gives all workers the chief's networks, optimizers, step and logs, bit for bit."""
    optimizers = (model.critic_optimizer, model.generator_optimizer)
    exchange.share([*model.weights, *(v for one in optimizers for v in one.variables)])


def require_same_run(facts: dict[str, Any], exchange: Exchange) -> None:
    """Raises ValueError on every worker if some of them would not train the same run."""
    text = json.dumps(facts, sort_keys=True, default=str).encode()
    own = int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big")
    hashes = exchange.gather(own)
    if len(set(hashes)) > 1:
        others = [str(index) for index, other in enumerate(hashes) if other != own]
        raise ValueError("workers must all be given the same options and the same prepared images. "
                         f"Received: others on worker {', '.join(others)}")
