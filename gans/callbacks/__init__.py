"""What happens between the steps of `fit`: progress, samples, checkpoints, logs, the end."""

from gans.callbacks.finite import NonFiniteError
from gans.callbacks.run import TrainingRun, train

__all__ = ["NonFiniteError", "TrainingRun", "train"]
