"""The published systems by name: their values, and how they mix with other options."""

import dataclasses
import re

import pytest

from utils.options.command_line import read_options, training_parser
from utils.options.config import TrainingConfig
from utils.options.presets import PRESETS, preset_config
from utils.options.writing import yaml_text
from utils.runs.directory import RunDirectory

# The published values, by preset and method.
PUBLISHED = {
    ("anime", "wgan"): {
        "resize": (64, 64), "architecture": "anime", "clip_value": 0.01, "gradient_penalty": None,
        "noise_dim": 128, "noise": "uniform", "optimizer": "rmsprop", "learning_rate": 5e-5,
        "generator_learning_rate": 2.5e-5, "decay_rate": 1.0, "n_critic": 10, "batch_size": 64,
        "train_steps": 20_000,
    },
    **{
        (name, "wgan-gp"): {
            "source": source, "resize": (32, 32), "architecture": "conv4",
            "gradient_penalty": 10.0, "clip_value": None, "noise_dim": 100, "noise": "normal",
            "optimizer": "adam", "learning_rate": 1e-4, "generator_learning_rate": 1e-4,
            "beta_1": 0.5, "beta_2": 0.999, "n_critic": 5, "batch_size": 64,
            "train_steps": 40_000, "critic_normalization": None,
        }
        for name, source in [("cifar10", "tfds:cifar10"), ("celeba", "tfds:celeb_a")]
    },
    ("celeba128", "wgan-gp"): {
        "source": "tfds:celeb_a", "resize": (128, 128), "architecture": "residual64",
        "gradient_penalty": 10.0, "noise_dim": 100, "noise": "normal", "optimizer": "rmsprop",
        "learning_rate": 1e-4, "generator_learning_rate": 1e-4, "n_critic": 1, "batch_size": 128,
        "real_noise": 0.1, "epochs": 200, "train_steps": None,
    },
    ("fashion-mnist", "dcgan"): {
        "source": "tfds:fashion_mnist", "resize": (64, 64), "architecture": "dcgan",
        "to_grayscale": True, "batch_size": 64, "base_filters": 64, "noise_dim": 100,
        "noise": "normal", "train_steps": 20_000,
        "optimizer": "adam", "learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999, "n_critic": 1,
    },
    ("fashion-mnist", "wgan"): {
        "clip_value": 0.01, "optimizer": "rmsprop", "learning_rate": 5e-5, "n_critic": 5,
        "base_filters": 64, "noise_dim": 100,
    },
    ("fashion-mnist", "wgan-gp"): {
        "gradient_penalty": 10.0, "optimizer": "adam", "learning_rate": 1e-4, "beta_1": 0.5,
        "beta_2": 0.9, "n_critic": 5, "base_filters": 64, "noise_dim": 100,
    },
}


def options(*arguments):
    return read_options(training_parser("train"), arguments)[0]


@pytest.mark.parametrize(("name", "method"), PUBLISHED)
def test_values_are_the_published_ones(name, method):
    config = dataclasses.asdict(preset_config(name, method=method))
    expected = PUBLISHED[name, method]
    assert {key: config[key] for key in expected} == expected
    assert config["method"] == method


def test_every_preset_is_checked_above():
    assert {name for name, _ in PUBLISHED} == set(PRESETS)
    for name, preset in PRESETS.items():
        assert {method for other, method in PUBLISHED if other == name} == set(preset.methods)


def test_the_command_line_has_the_same_presets():
    for name in PRESETS:
        assert options("--preset", name) == preset_config(name)
    assert options("--preset", "fashion-mnist", "--method", "dcgan") == preset_config(
        "fashion-mnist", method="dcgan")


def test_other_options_win_over_a_preset(tmp_path):
    (tmp_path / "run.yml").write_text("noise_dim: 7\nbatch_size: 8\n")
    config = options("--preset", "cifar10", "--config", str(tmp_path / "run.yml"),
                     "--noise_dim", "9", "--source", "photos")
    assert (config.noise_dim, config.batch_size, config.source) == (9, 8, "photos")
    assert config.architecture == "conv4"
    config = options("--preset", "celeba128", "--train_steps", "50", "--shape", "128", "128")
    assert (config.train_steps, config.epochs, config.resize) == (50, None, None)


def test_another_method_leaves_the_presets_optimizer_behind():
    config = options("--preset", "cifar10", "--clip_value", "0.02")
    assert (config.method, config.gradient_penalty, config.optimizer) == ("wgan", None, "rmsprop")
    assert config.architecture == "conv4"
    config = preset_config("anime", gradient_penalty=5.0)
    assert (config.method, config.clip_value, config.optimizer) == ("wgan-gp", None, "adam")
    assert (config.generator_learning_rate, config.n_critic) == (16e-4, 1)


def test_another_method_leaves_a_files_optimizer_behind(tmp_path):
    (tmp_path / "run.yml").write_text(yaml_text(TrainingConfig()))
    config = options("--config", str(tmp_path / "run.yml"), "--method", "wgan")
    assert (config.optimizer, config.clip_value) == ("rmsprop", 0.01)
    assert (config.learning_rate, config.beta_1) == (2e-4, 0.5)
    config = options("--config", str(tmp_path / "run.yml"), "--method", "dcgan")
    assert (config.optimizer, config.beta_2, config.gradient_penalty) == ("adam", 0.999, None)


def test_runs_of_presets_and_methods_have_folders_of_their_own():
    assert options("--preset", "anime").save_path == "runs/anime-wgan"
    assert options("--preset", "fashion-mnist", "--method", "dcgan").save_path == (
        "runs/fashion-mnist-dcgan")


def test_a_resumed_run_stands_in_the_place_of_the_preset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = options("--preset", "cifar10", "--noise_dim", "9")
    RunDirectory(started.save_path).write_config(
        {"options": dataclasses.asdict(started), "model": {}})
    resumed = options("--preset", "cifar10", "--resume", "--train_steps", "50000")
    assert resumed == dataclasses.replace(started, resume=True, train_steps=50_000)
    # what the run left unset, no preset sets
    other = dataclasses.replace(started, base_filters=None, save_path="other")
    RunDirectory("other").write_config({"options": dataclasses.asdict(other), "model": {}})
    for preset in PRESETS:
        resumed = options("--preset", preset, "--resume", "--save_path", "other")
        assert resumed == dataclasses.replace(other, resume=True)


def test_a_file_can_name_a_preset_and_unset_a_value_of_it(tmp_path):
    (tmp_path / "run.yml").write_text("preset: anime\ngenerator_learning_rate: null\n")
    config = options("--config", str(tmp_path / "run.yml"))
    assert (config.architecture, config.generator_learning_rate) == ("anime", 5e-5)
    assert options("--config", str(tmp_path / "run.yml"), "--preset", "cifar10").n_critic == 5


def test_a_dumped_configuration_is_the_same_over_any_preset(tmp_path):
    config = TrainingConfig(method="dcgan", epochs=3, shape=(32, 32))
    (tmp_path / "run.yml").write_text(yaml_text(config))
    for preset in PRESETS:
        assert options("--preset", preset, "--config", str(tmp_path / "run.yml")) == config


def test_a_new_learning_rate_is_the_generators_too():
    config = options("--preset", "anime", "--learning_rate", "1e-4")
    assert (config.learning_rate, config.generator_learning_rate) == (1e-4, 1e-4)


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("beta_1: 0.0\noptimizer: rmsprop", ["--gradient_penalty", "5"],
         {"beta_1": 0.0, "optimizer": "rmsprop", "gradient_penalty": 5.0}),
        ("method: wgan-gp\ngradient_penalty: 5", ["--method", "wgan-gp"],
         {"gradient_penalty": 5.0}),
        ("clip_value: 0.05", ["--method", "wgan"], {"clip_value": 0.05}),
        ("method: wgan\nclip_value: 0.05", ["--gradient_penalty", "3"],
         {"method": "wgan-gp", "clip_value": None, "optimizer": "adam"}),
        ("method: dcgan\nbeta_1: 0.1", ["--clip_value", "0.1"], {"method": "wgan", "beta_1": 0.5}),
    ],
)
def test_only_another_method_sets_aside_what_goes_with_it(tmp_path, text, arguments, expected):
    (tmp_path / "run.yml").write_text(text)
    config = dataclasses.asdict(options("--config", str(tmp_path / "run.yml"), *arguments))
    assert {name: config[name] for name in expected} == expected


def test_list_presets(capsys):
    with pytest.raises(SystemExit) as exit_:
        options("--list_presets")
    shown = capsys.readouterr().out
    assert exit_.value.code == 0
    for name in PRESETS:
        assert f"{name}: " in shown
    assert "--real_noise 0.1" in shown and "--beta_2 0.999" in shown
    assert max(map(len, shown.splitlines())) <= 88
    for paragraph in shown.split("\n\n"):  # can be given on the command line as printed
        name, _, arguments = paragraph.partition(": ")
        arguments = arguments.partition("\n")[2].split()
        first, *others = [i for i, each in enumerate(arguments) if each == "--method"]
        for start, end in zip([first, *others], [*others, len(arguments)], strict=True):
            config = options(*arguments[:first], *arguments[start:end])
            expected = preset_config(name, method=arguments[start + 1])
            assert config == dataclasses.replace(expected, save_path=config.save_path)


def test_unknown_preset():
    with pytest.raises(ValueError, match="preset must be one of anime, cifar10.* Received: 'cif'"):
        preset_config("cif")
    with pytest.raises(ValueError, match="must be fields of TrainingConfig. Received: 'nonsense'"):
        preset_config("cifar10", nonsense=3)
    with pytest.raises(ValueError, match=r"real_noise must be a number in \[0, 1\)"):
        preset_config("celeba128", real_noise="0.1")
    with pytest.raises(ValueError, match="train_steps must be a whole number of at least 1"):
        preset_config("celeba128", train_steps="5")


def test_the_options_name_what_gans_has():
    from gans import model_class
    from gans.architectures import ARCHITECTURES, get_architecture

    fields = {field.name: field.metadata for field in dataclasses.fields(TrainingConfig)}
    assert all(model_class(method) for method in fields["method"]["rule"].choices)
    normalizations = set(fields["critic_normalization"]["rule"].choices)
    offered = {name: get_architecture(name).CRITIC_NORMALIZATIONS for name in ARCHITECTURES}
    assert set().union(*offered.values()) == normalizations
    for name, names in offered.items():
        width = get_architecture(name).BASE_FILTERS
        assert re.search(rf"{width} for [a-z0-9 ]*{name}", fields["base_filters"]["help"])
        if "published" in names:
            TrainingConfig(architecture=name, critic_normalization="published")
        else:
            with pytest.raises(ValueError, match="published needs architecture"):
                TrainingConfig(architecture=name, critic_normalization="published")


def test_epochs_are_passes_of_the_critic_over_the_images():
    config = TrainingConfig(epochs=3, n_critic=2, batch_size=10)
    assert config.train_options(num_images=100)["train_steps"] == 15
    assert config.train_options(num_images=101)["train_steps"] == 16
    assert TrainingConfig().train_options(num_images=5)["train_steps"] == 40_000
