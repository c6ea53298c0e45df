"""Checkpoints: everything that a run needs to resume bit for bit."""

import logging
from dataclasses import dataclass

import keras

from gans.model.sealed import is_finite, sealed_file
from gans.training.callbacks.metrics_log import Log, is_best
from gans.training.callbacks.stopping import NonFiniteError
from gans.training.schedule import Interval
from utils.files import write_whole
from utils.runs.directory import RunDirectory

CRITERION = "wasserstein_estimate"
KEPT = 3  # enough to fall back if one is damaged on disk

logger = logging.getLogger("gans")


@dataclass
class Checkpoint:
    """Saves the model at every interval and when a run stops; keeps the last three checkpoints.

    A checkpoint is one .weights.h5 file: both networks, both optimizers' slots, the EMA generator,
    the step and the sums of the interval's logs. All draws and the order of the images are
    functions of the seed and the step, so nothing else is needed.

    With `keep_best`, also keeps the generator of the interval with the best Wasserstein estimate
    in the log, where the model logs one. With evaluations, that is for `Evaluation`.
    """

    model: keras.Model
    run: RunDirectory
    log: Log
    keep_best: bool
    _saved_step: int | None = None

    def __call__(self, interval: Interval) -> None:
        if self.keep_best and is_best(self.log.column(CRITERION)):  # of NaN where it is not logged
            self._require_finite()
            save_best_generator(self.model, self.run)
        self.save()

    def save(self) -> None:
        """Writes the checkpoint of the current step, unless it exists.

        Raises:
            NonFiniteError: If a weight is not finite. Nothing is written.
            DiskFullError: If there is no room for it. Nothing is written.
        """
        step = self.model.steps_done
        if step == self._saved_step:
            return
        self._require_finite()
        write_whole(self.run.checkpoint(step), sealed_file(self.model, ".weights.h5"))
        self._saved_step = step
        for old in self.run.list_checkpoints()[:-KEPT]:
            old.unlink(missing_ok=True)

    def _require_finite(self) -> None:
        # The losses of the last step were computed before its updates, so the weights may be worse.
        if not is_finite(self.model):
            raise NonFiniteError(self.model.steps_done, "weights not finite", self.run)


def save_best_generator(model: keras.Model, run: RunDirectory) -> None:
    """Keeps the current EMA generator as the best."""
    write_whole(run.best_generator, sealed_file(model.ema_generator, ".weights.h5"))


def restore(model: keras.Model, run: RunDirectory) -> int:
    """Loads the last whole checkpoint of `run` into `model`; returns the step to go on from.

    A run that had no time or room for its first checkpoint goes on from the model's own weights.
    Raises ValueError if there are checkpoints but none can be read, or if there are none and the
    run did not begin with the model's own weights.
    """
    checkpoints = run.list_checkpoints()
    for path in reversed(checkpoints):
        try:
            model.load_weights(path)
            if not is_finite(model):  # of an earlier version, without a checksum
                raise ValueError(f"{path} must hold finite weights. Received: others")
        except ValueError as error:
            logger.warning("Skipping a checkpoint: %s", error)
            continue
        step = model.steps_done
        for damaged in checkpoints[checkpoints.index(path) + 1 :]:
            damaged.rename(damaged.with_name(f"{damaged.name}.damaged"))
        for sample in run.list_samples():  # from steps that will be repeated
            if sample > run.sample(step):
                sample.unlink()
        return step
    if checkpoints:
        raise ValueError(
            "save_path must hold a readable checkpoint to resume from. "
            f"Received: {str(run.path)!r}, where none of {len(checkpoints)} can be read"
        )
    started = run.read_config().get("options") or {}
    if any(started.get(name) is not None for name in ("load_weights", "step_0")):
        raise ValueError(
            "save_path must hold a checkpoint to resume a run that began with load_weights or "
            "step_0: start it again, with these and without resume. "
            f"Received: {str(run.path)!r}, where none was saved"
        )
    return model.steps_done
