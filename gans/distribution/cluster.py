"""The workers of a run, as the environment describes them; does not import TensorFlow."""

import json
import os
from collections.abc import Sequence
from typing import Any


def describe_workers(workers: Sequence[str], index: int) -> None:
    """Writes workers into the environment variable TF_CONFIG, where TensorFlow looks for them.

    `workers` has "host:port" of each; `index` is which of them this process is, from 0. Raises
    ValueError if one is wrong, or TF_CONFIG already describes other workers.
    """
    for worker in workers:
        host, _, port = worker.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 2**16:
            raise ValueError(f"workers must each be host:port. Received: {worker!r}")
    if len(set(workers)) < len(workers):
        raise ValueError(f"workers must all be different. Received: {', '.join(workers)}")
    if not 0 <= index < len(workers):
        raise ValueError(
            f"worker_index must be in 0..{len(workers) - 1}, with {len(workers)} workers. "
            f"Received: {index}"
        )
    config = {"cluster": {"worker": list(workers)}, "task": {"type": "worker", "index": index}}
    given = _read_config()
    if given and given != config:
        raise ValueError(
            "workers must not be given if the environment variable TF_CONFIG describes others: "
            f"leave one out. Received: {', '.join(workers)}, and TF_CONFIG={json.dumps(given)}"
        )
    os.environ["TF_CONFIG"] = json.dumps(config)


def described_workers() -> tuple[int, int]:
    """How many workers TF_CONFIG describes, and which of them this process is; (1, 0) without it.

    They are counted from 0 in the order of their replicas: a chief first, if there is one.

    Raises:
        ValueError: If TensorFlow does not understand it, or this process is not a worker.
    """
    config = _read_config()
    if not config:
        return 1, 0
    try:
        cluster = config["cluster"]
        job, index = config["task"]["type"], int(config["task"]["index"])
        everyone = [
            (name, i) for name in ("chief", "worker") for i in range(len(cluster.get(name, ())))
        ]
        known = (job, index) in everyone
    except (KeyError, TypeError, ValueError, AttributeError):
        known = False
    if not known:
        raise ValueError(
            'TF_CONFIG must be {"cluster": {"worker": ["host:port", ...]}, "task": {"type": '
            '"worker", "index": 0}} with the index of a worker in the cluster. '
            f"Received: {os.environ['TF_CONFIG']}"
        )
    return len(everyone), everyone.index((job, index))


def _read_config() -> dict[str, Any]:
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text or "{}")
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise ValueError(f"TF_CONFIG must be a JSON object. Received: {text}")
    return config
