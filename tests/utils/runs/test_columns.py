"""The registry of the log's columns."""

from utils.runs.columns import COLUMNS, NOT_DRAWN, PANELS, TRAINING, in_words_of, is_dcgan
from utils.visualization.columns import PALETTE


def test_every_column_is_there_once_with_a_color_of_the_palette():
    assert len(COLUMNS) == len(NOT_DRAWN) + sum(len(panel.columns) for panel in PANELS)
    assert {column.color for column in COLUMNS.values()} <= PALETTE.keys()
    assert len({column.label for column in COLUMNS.values()}) == len(COLUMNS)
    assert all(column.beside for panel in PANELS for column in panel.columns
               if len(panel.columns) > 1)  # fmt: skip


def test_what_methods_log_is_in_the_registry():
    from gans import DCGAN, WassersteinGAN

    small = {"image_shape": (32, 32, 1), "base_filters": 4, "noise_dim": 4}
    models = [WassersteinGAN(**small), WassersteinGAN(**small, clip_value=0.01), DCGAN(**small)]
    logged = set().union(*(model.log_names for model in models))
    assert TRAINING <= logged <= COLUMNS.keys()
    assert [is_dcgan(model.log_names) for model in models] == [False, False, True]


def test_a_dcgan_has_a_discriminator_and_the_same_options():
    text = "the critic needs more updates (--n_critic)"
    assert in_words_of(["critic_loss"], text) == text
    assert in_words_of(["real_probability"], text) == (
        "the discriminator needs more updates (--n_critic)"
    )
