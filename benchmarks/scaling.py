"""What two workers on one machine pay for working together: one table, and what follows from it.

    python benchmarks/scaling.py [--architectures dcgan anime ...] [--batch_size 8] [--steps 5]

For each architecture, in processes of one core each: the seconds of a WGAN-GP step (n_critic 1) of
one process with its batch, and of two workers on the loopback device with twice the batch, that is
with as many images each. What the second takes longer is the price of the exchange. Beside it the
bytes that each replica gives into reductions a step: the gradients of both networks, the moving
statistics and the logs.

Then, on paper, the share of a step that R GPUs compute, with a ring's 2 (R - 1) / R of these bytes
through every link, for the assumptions that the second table states.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ARCHITECTURES = ("dcgan", "anime", "conv4", "residual64", "resnet")
SIZE = 64
# Of the extrapolation: what a GPU sustains in float32 convolutions, and what a link carries.
GPU_FLOPS = 20e12
GPU_BATCH = 64  # images on each
LINKS = {8: ("inside one machine", 200e9), 64: ("between machines, 100 Gbit/s", 12.5e9)}
LATENCY = 20e-6  # seconds for each hop of a ring, each network's gradients being one reduction


def build(architecture: str):
    from gans import WassersteinGAN

    gan = WassersteinGAN((SIZE, SIZE, 3), architecture=architecture, n_critic=1)
    gan.compile()
    return gan


def reduced_bytes(gan) -> int:
    """Bytes that a replica gives into reductions in one step of n_critic 1, float32."""
    networks = (gan.generator, gan.critic)
    numbers = sum(network.count_params() for network in networks) + len(gan.log_names)
    return 4 * numbers


def work(architecture: str, batch_size: int, steps: int) -> None:
    """What a process of the measurement does: prints the median seconds of its steps."""
    core = json.loads(os.environ.get("TF_CONFIG", '{"task": {"index": 0}}'))["task"]["index"]
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})
    import tensorflow as tf

    from gans.distribution.strategy import Exchange, distributed_dataset, open_strategy
    from gans.distribution.together import leave_together

    strategy = open_strategy()
    with strategy.scope():
        gan = build(architecture)
    images = tf.random.stateless_uniform([batch_size, SIZE, SIZE, 3], [0, 1], -1.0, 1.0)
    local = tf.data.Dataset.from_tensors(images).repeat()
    several = strategy.num_replicas_in_sync > 1
    iterator = iter(distributed_dataset(strategy, lambda *_: local) if several else local)
    gan.make_train_function()
    times = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        float(gan.train_function(iterator)["critic_loss"])
        times.append(time.perf_counter() - began)
    print(json.dumps(sorted(times[2:])[steps // 2]), flush=True)
    leave_together(Exchange(strategy))
    os._exit(0)


def seconds(arguments: argparse.Namespace, architecture: str, workers: int) -> float:
    """Of a step of one process, or of two that work together: the slower one's."""
    hosts = [f"127.0.0.1:{24700 + index}" for index in range(workers)]
    processes = []
    for index in range(workers):
        environment = dict(os.environ)
        environment.pop("TF_CONFIG", None)
        if workers > 1:
            environment["TF_CONFIG"] = json.dumps(
                {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
            )
        processes.append(subprocess.Popen(
            [sys.executable, __file__, "--work", architecture, "--batch_size",
             str(arguments.batch_size), "--steps", str(arguments.steps)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ))  # fmt: skip
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit(f"a process of {architecture} failed: run it with --work {architecture} alone")
    return max(json.loads(output.splitlines()[-1]) for output in outputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=ARCHITECTURES, choices=ARCHITECTURES)
    parser.add_argument("--batch_size", type=int, default=8, help="images of each process")
    parser.add_argument("--steps", type=int, default=5, help="steps timed")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.batch_size, arguments.steps)
    from benchmarks.steps.operations import operations_per_step

    print(f"{'architecture':12} {'reduced MB':>10} {'one, s':>8} {'two, s':>8} {'price, s':>9} "
          f"{'MB/s':>6}")
    facts = {}
    for architecture in arguments.architectures:
        gan = build(architecture)
        size = reduced_bytes(gan)
        facts[architecture] = (size, operations_per_step(gan, GPU_BATCH))
        one, two = (seconds(arguments, architecture, workers) for workers in (1, 2))
        speed = size / 1e6 / max(two - one, 1e-9)
        print(f"{architecture:12} {size / 1e6:10.1f} {one:8.3f} {two:8.3f} {two - one:9.3f} "
              f"{speed:6.0f}", flush=True)
    print(f"\non paper: {GPU_FLOPS / 1e12:.0f} TFLOP/s a GPU, {GPU_BATCH} images on each, "
          f"{LATENCY * 1e6:.0f} us a hop")
    print(f"{'architecture':12} {'compute, ms':>12}", *(
        f"{f'{count} GPUs, ms (share computed)':>30}" for count in LINKS
    ))
    for architecture, (size, operations) in facts.items():
        compute = operations / GPU_FLOPS
        cells = []
        for count, (_, bandwidth) in LINKS.items():
            exchange = 2 * (count - 1) * (size / count / bandwidth + 2 * LATENCY)
            cells.append(f"{1e3 * exchange:.1f} ({compute / (compute + exchange):.0%})")
        print(f"{architecture:12} {1e3 * compute:12.1f}", *(f"{cell:>30}" for cell in cells))
    for count, (where, bandwidth) in LINKS.items():
        print(f"{count} GPUs: {where}, {bandwidth / 1e9:.1f} GB/s")


if __name__ == "__main__":
    main()
