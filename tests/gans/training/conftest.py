import json
from collections import defaultdict
from pathlib import Path

import pytest
from PIL import Image

_idle = defaultdict(list)  # models and the values they began with, by their options


@pytest.fixture
def reused_gan(tiny_gan):
    """`tiny_gan`, or a model like it that an earlier test has used, set back to its beginning.

    What a test of a run needs is rarely another train step, which takes a second to trace. The
    batches of all such tests have one shape, and none of them puts other parts into a model.
    """
    used = []

    def make(compile_options=None, **options):
        try:
            key = json.dumps([compile_options, options], sort_keys=True)
        except TypeError:  # an optimizer of its own
            return tiny_gan(compile_options, **options)
        if _idle[key]:
            gan, values = _idle[key].pop()
            for variable, value in zip(_variables(gan), values, strict=True):
                variable.assign(value)
        else:
            gan = tiny_gan(compile_options, **options)
            values = [variable.numpy() for variable in _variables(gan)]
        used.append((key, gan, values))
        return gan

    def give_back(gan):
        """Lets the next model be this one, which the test is done with."""
        place = next(place for place, model in enumerate(used) if model[1] is gan)
        key, *model = used.pop(place)
        _idle[key].append(model)

    make.give_back = give_back
    yield make
    for key, *model in used:
        _idle[key].append(model)


@pytest.fixture(autouse=True)
def blank_plot(monkeypatch):
    """To draw the plot after every interval would take half of the time of most runs here."""
    monkeypatch.setattr(
        "gans.training.callbacks.metrics_log.plot_training",
        lambda columns, path, evaluated=None: Image.new("L", (8, 8)).save(Path(path)),
    )


def _variables(gan):
    return [*gan.variables, *gan.critic_optimizer.variables, *gan.generator_optimizer.variables]
