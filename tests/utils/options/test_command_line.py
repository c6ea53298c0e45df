"""Options: precedence of defaults, files and the command line, and errors of one line."""

import dataclasses
import inspect
import json
import shlex
from pathlib import Path

import pytest

from gans import WassersteinGAN
from utils import DataPreparator
from utils.options.command_line import read_options, training_parser
from utils.options.config import TrainingConfig
from utils.options.data import DataOptions
from utils.options.evaluation import EvaluationOptions
from utils.options.model import WassersteinOptions
from utils.options.writing import command_of, options_table, yaml_text
from utils.runs.directory import RunDirectory

JUDGED = ["--evaluate_every", "1000"]


def options(*arguments):
    return read_options(training_parser("train"), arguments)[0]


def error(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        options(*arguments)
    assert exit_.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("train: error: ") and message.count("\n") == 1
    return message


def test_defaults_are_those_of_the_configuration():
    assert options() == TrainingConfig()


def test_command_line_over_file_over_defaults(tmp_path):
    file = tmp_path / "run.yml"
    file.write_text("batch_size: 16\nn_critic: 3\ndeterministic: true\nresize: [96, 64]\n")
    config = options("--config", str(file), "--n_critic", "7", "--no_deterministic")
    assert (config.batch_size, config.n_critic) == (16, 7)
    assert config.resize == (96, 64)
    assert config.deterministic is False
    assert config.noise_dim == TrainingConfig().noise_dim
    assert options("--config", str(file)).deterministic is True


def test_yaml_text_is_read_back_as_the_same_configuration(tmp_path):
    config = options("--clip_value", "0.02", "-s", "32", "--background", "1", "2", "3")
    (tmp_path / "again.yml").write_text(yaml_text(config))
    assert options("--config", str(tmp_path / "again.yml")) == config


def test_formats_to_export(tmp_path):
    config = options("--export", "onnx", "litert")
    assert config.export == ("onnx", "litert") == config.train_options(1)["export"]
    assert options().train_options(1)["export"] is None
    (tmp_path / "run.yml").write_text(yaml_text(config))
    assert options("--config", str(tmp_path / "run.yml")) == config
    (tmp_path / "run.yml").write_text("export: [litert]\n")
    assert options("--config", str(tmp_path / "run.yml")).export == ("litert",)
    with pytest.raises(ValueError, match="must be one or more values, each one of onnx, litert"):
        TrainingConfig(export=("onnx", "pickle"))
    with pytest.raises(ValueError, match="export must be one or more values"):
        TrainingConfig(export=())


def test_aliases():
    config = options("-d", "photos", "-s", "48", "-l", "9", "-b", "5")
    assert (config.source, config.resize, config.noise_dim) == ("photos", (48, 48), 9)
    assert config.batch_size == 5
    assert options("--dir", "a", "--latent_size", "3", "--size", "16").resize == (16, 16)


def test_a_word_on_method_or_size_sets_aside_what_the_file_says_of_it(tmp_path):
    file = tmp_path / "run.yml"
    file.write_text("clip_value: 0.05\nshape: [32, 32]\n")
    config = options("--config", str(file), "--method", "wgan-gp", "--resize", "48", "48")
    assert (config.method, config.clip_value, config.gradient_penalty) == ("wgan-gp", None, 10.0)
    assert (config.resize, config.shape) == ((48, 48), None)
    file.write_text("method: wgan-gp\ngradient_penalty: 5\n")
    config = options("--config", str(file), "--clip_value", "0.02")
    assert (config.method, config.clip_value) == ("wgan", 0.02)


def test_options_of_a_resumed_run_are_under_those_of_a_file(tmp_path):
    run = RunDirectory(tmp_path / "run")
    saved = dataclasses.asdict(TrainingConfig(n_critic=3, batch_size=8, noise_dim=5, quiet=True))
    run.write_config({"options": saved, "model": {}})
    file = tmp_path / "run.yml"
    file.write_text("batch_size: 16\nnoise_dim: 6\n")
    config = options(
        "--resume", "--save_path", str(run.path), "--config", str(file), "--noise_dim", "7")
    assert (config.n_critic, config.batch_size, config.noise_dim) == (3, 16, 7)
    assert config.save_path == str(run.path) and config.resume and not config.quiet


def test_a_run_of_another_version_is_not_resumed(tmp_path, capsys):
    run = RunDirectory(tmp_path / "run")
    run.write_config({"options": {"penalty_every": 1, "n_critic": 1}, "model": {}})
    text = error(capsys, "--resume", "--save_path", str(run.path))
    assert "a run that this version has started" in text
    assert "Received: a run with the option penalty_every" in text


def test_a_new_learning_rate_of_a_resumed_run_is_the_generators_too(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.write_config({"options": dataclasses.asdict(TrainingConfig()), "model": {}})
    config = options("--resume", "--save_path", str(run.path), "--learning_rate", "1e-3")
    assert config.compile_options()["learning_rate"] == 1e-3
    # None: compile gives the generator the learning rate
    assert config.compile_options()["generator_learning_rate"] == 1e-3


def test_evaluation_options(tmp_path):
    assert options().evaluation_options() is None and options().evaluate_metric is None
    config = options(*JUDGED, "--save_best_only", "--method", "dcgan")
    assert (config.evaluate_images, config.evaluate_metric) == (2000, "fid")
    assert config.train_options(100)["evaluation"] == EvaluationOptions(1000)
    file = tmp_path / "run.yml"
    file.write_text("evaluate_every: 500\nfeatures: a.keras\nstop_patience: 4\n")
    config = options("--config", str(file), "--inception_weights", "b.npz")  # sets features aside
    assert config.evaluation_options() == EvaluationOptions(
        500, inception_weights="b.npz", stop_patience=4)
    assert config == TrainingConfig(**dataclasses.asdict(config))


@pytest.mark.parametrize(
    ("arguments", "rates", "betas"),
    [
        ([], (8e-4, 16e-4), (0.0, 0.99)),
        (["--learning_rate", "1e-4"], (1e-4, 1e-4), (0.0, 0.99)),
        (["--generator_learning_rate", "1e-4", "--beta_1", "0.5"], (8e-4, 1e-4), (0.5, 0.99)),
        (["--method", "wgan"], (2e-4, 2e-4), (0.5, 0.9)),
        (["--method", "dcgan", "--beta_2", "0.9"], (2e-4, 2e-4), (0.5, 0.9)),
    ],
)
def test_learning_rates_and_betas_are_by_default_those_of_the_method(arguments, rates, betas):
    config = options(*arguments)
    assert (config.learning_rate, config.generator_learning_rate) == rates
    assert (config.beta_1, config.beta_2) == betas


def test_clip_value_selects_clipping():
    config = options("--clip_value", "0.02")
    assert config.method == "wgan"
    assert config.model_options()["clip_value"] == 0.02
    assert options("--method", "wgan").model_options()["clip_value"] == 0.01
    assert options().model_options()["clip_value"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resise", "64", "64"], "unknown option --resise: did you mean --resize?"),
        (["--batchsize=3"], "unknown option --batchsize: did you mean --batch_size?"),
        (["--batch_size", "0"], "--batch_size"),
        (["--learning_rate", "inf"], "positive number"),
        (["--learning_rate", "-1"], "positive number"),
        (["--learning_rate", "fast"], "must be a positive number. Received: 'fast'"),
        (["--method", "wgangp"], "must be one of wgan-gp, wgan, dcgan. Received: 'wgangp'"),
        (["--resize", "64"], "expected 2 arguments"),
        (["--clip_value", "1", "--method", "wgan-gp"], "clip_value needs method wgan"),
        (["--gradient_penalty", "1", "--method", "wgan"], "gradient_penalty needs method"),
        (["--clip_value", "1", "--method", "dcgan"], "clip_value needs method wgan"),
        (["--one_sided", "--clip_value", "1"], "one_sided needs method wgan-gp"),
        (["--one_sided", "--method", "dcgan"], "one_sided needs method wgan-gp"),
        (["--n_critic", "1.5"], "n_critic: must be a whole number of at least 1. Received: '1.5'"),
        (["--xla", "yes"], "must be one of auto, on, off. Received: 'yes'"),
        (["--save_best_only", "--method", "dcgan"], "save_best_only needs evaluate_every with "
                                                    "method dcgan"),
        (["--evaluate_metric", "kid"], "evaluate_metric needs evaluate_every"),
        (["--stop_patience", "3"], "stop_patience needs evaluate_every"),
        (["--features", "a.keras"], "features needs evaluate_every"),
        (["--evaluate_every", "700"], "evaluate_every must be a multiple of save_interval, 500"),
        (["--evaluate_every", "0"], "--evaluate_every"),
        ([*JUDGED, "--evaluate_images", "1"], "must be a whole number of at least 2"),
        ([*JUDGED, "--evaluate_metric", "fid_infinity"], "coverage. Received: 'fid_infinity'"),
        ([*JUDGED, "--features", "a.keras", "--inception_weights", "b.npz"], "must not both be"),
        ([*JUDGED, "--features", "a.keras", "--evaluate_metric", "inception_score"],
         "inception_score needs the Inception network's classes"),
        ([*JUDGED, "--evaluate_metric", "kid", "--evaluate_images", "999"],
         "kid needs 1,000 evaluate_images or more: make more, or use kid_all_pairs"),
        (["--critic_normalization", "batch"], "must not be batch under the gradient penalty"),
        (["--critic_normalization", "published"], "needs architecture conv4 or residual64"),
        (["--train_steps", "5", "--epochs", "5"], "steps and epochs must not be given together"),
        (["--minutes", "5", "--epochs", "5"], "epochs and minutes must not be given together"),
        (["--beta_2", "1"], "--beta_2: must be a number in [0, 1). Received: '1'"),
        (["--real_noise", "1.5"], "--real_noise: must be a number in [0, 1)"),
        (["--preset", "cifar"], "fashion-mnist. Received: 'cifar'"),
        (["--ema_decay", "1"], "--ema_decay: must be a number in [0, 1). Received: '1'"),
        (["--background", "0", "0", "256"],
         "--background: must be a whole number from 0 to 255. Received: '256'"),
        (["photos"], "unknown option photos"),
        (["--config", "/no/such.yml"], "--config must be a readable YAML file"),
        (["--resume", "--save_path", "/no/run"], "where no run was started"),
    ],
)
def test_errors_are_one_line(capsys, arguments, message):
    assert message in error(capsys, *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("n_critc: 2", "unknown option 'n_critc': did you mean n_critic?"),
        ('"a\\nb": 2', "unknown option 'a\\nb'"),
        ("source: no", "source must be text. Received: False (quote a word)"),
        ("xla: on", "xla must be one of auto, on, off. Received: True (quote a word)"),
        ("quiet: 3", "quiet must be True or False. Received: 3"),
        ("shape: [64, 64, 3]", "shape must be 2 values, each a whole number of at least 1"),
        ("batch_size: many", "whole number of at least 1"),
        ("resize: 64", "resize must be 2 values, each a whole number of at least 1. Received: 64"),
        ("- a\n- b", "must hold lines of the form name: value"),
        ("a: [", "must be a YAML file"),
    ],
)
def test_errors_of_a_file_name_it(capsys, tmp_path, content, message):
    (tmp_path / "run.yml").write_text(content)
    text = error(capsys, "--config", str(tmp_path / "run.yml"))
    assert message in text and "run.yml" in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1. Received: 0"),
        ({"method": "gan"}, "method must be one of wgan-gp, wgan, dcgan. Received: 'gan'"),
        ({"resize": (64,)}, "resize must be 2 values"),
        ({"resume": True, "step_0": 3}, "resume must not be given with load_weights or step_0"),
        ({"resume": "yes"}, "resume must be True or False"),
    ],
)
def test_the_configuration_checks_its_values_from_python_too(values, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**values)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--source", "my photos", "--resize", "96", "64", "--to_grayscale"],
        ["--method", "wgan", "--learning_rate", "5e-05", "--train_steps", "100"],
        ["--clip_value", "0.02", "--export", "onnx", "litert"],
        ["--gradient_penalty", "4.0", "--one_sided", "--precision", "auto", "--xla", "on"],
        ["--learning_rate", "0.001", "--generator_learning_rate", "0.003"],
        ["--shape", "32", "32", "--epochs", "3", "--ema_decay", "0.0"],
        ["--source=-x"],
    ],
)
def test_the_command_of_options_gives_them_again(arguments):
    config, _ = read_options(training_parser(), arguments)
    words = shlex.split(command_of(json.loads(json.dumps(dataclasses.asdict(config)))))
    assert read_options(training_parser(), words[2:])[0] == config
    assert len(words) <= 2 + len(arguments)


def test_the_command_of_what_are_no_options_is_refused():
    for options in [{"color": 1}, {"batch_size": 0}, {"resize": [8]}]:
        with pytest.raises(ValueError):
            command_of(options)


def test_the_readme_has_every_option():
    """Where it does not: print(options_table(training_parser())) gives the table to put there."""
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    assert options_table(training_parser()) in readme


def test_help_of_a_model_class_has_its_options():
    parameters = inspect.signature(WassersteinGAN).parameters
    assert list(parameters)[:4] == ["image_shape", "generator", "critic", "name"]
    assert set(parameters) >= set(WassersteinOptions.names())
    assert parameters["n_critic"].default == 5
    assert "clip_value: bound of the critic's weights" in WassersteinGAN.__doc__
    assert "ARGUMENTS" not in WassersteinGAN.__doc__


def test_the_preparators_defaults_are_those_of_the_options():
    parameters = inspect.signature(DataPreparator).parameters
    for name, value in DataOptions().arguments().items():
        default = parameters[name].default
        assert default == value or (name, default) == ("resize", None), name
