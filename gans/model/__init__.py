"""What every method stands on: networks, optimizers, draws, EMA, resuming."""
