"""The basis of every method: networks, optimizers, draws, EMA, resuming."""
