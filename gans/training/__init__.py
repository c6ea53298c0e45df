"""What happens between the steps of `fit`: progress, samples, checkpoints, logs, the end."""

from gans.training.callbacks.stopping import NonFiniteError
from gans.training.run import TrainingRun, train

__all__ = ["NonFiniteError", "TrainingRun", "train"]
