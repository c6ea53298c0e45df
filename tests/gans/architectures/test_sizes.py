"""The image sizes that the networks can make."""

import pytest

from gans.architectures import ARCHITECTURES, first_block, get_architecture, nearest_sizes


def test_first_block():
    assert first_block(64, 64) == (4, 4, 4)
    assert first_block(96, 64) == (6, 4, 4)
    assert first_block(28, 28) == (7, 7, 2)
    assert first_block(24, 24) == (6, 6, 2)  # not 3x3
    assert first_block(24, 40) == (3, 5, 3)  # the only form
    assert first_block(256, 256) == (4, 4, 6)


@pytest.mark.parametrize("size", [(30, 64), (64, 16), (7, 7), (100, 100), (1, 1), (64, 63)])
def test_other_sizes_are_refused_with_the_nearest(size):
    near = nearest_sizes(*size)
    for name in ARCHITECTURES:
        module = get_architecture(name)
        message = rf"{size[0]}x{size[1]}.*{near[0][0]}x{near[0][1]}"
        with pytest.raises(ValueError, match=message):
            module.build_generator((*size, 3), 8, 4)
        with pytest.raises(ValueError, match=message):
            module.build_critic((*size, 3), 4)
    for height, width in near:
        first_block(height, width)


def test_nearest_sizes():
    assert nearest_sizes(64, 64)[0] == (64, 64)
    assert nearest_sizes(100, 100)[0] == (96, 96)
    assert nearest_sizes(65, 47)[0] == (64, 48)
