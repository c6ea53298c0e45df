"""What "auto" stands for."""

import pytest
import tensorflow as tf

from gans.model import precision as hardware

CPUS = {
    "flags\t\t: fpu sse avx512f avx512_bf16 fsrm\nflags\t\t: fpu": True,
    "model name\t: avx512_bf16\nflags\t\t: fpu amx_bf16 amx_tile": True,
    "model name\t: avx512_bf16\nflags\t\t: fpu avx512f avx512_bf16x": False,
    "Features\t: fp asimd": False,
    "": False,
}


@pytest.mark.parametrize(("text", "native"), CPUS.items())
def test_processors_by_what_linux_says(tmp_path, text, native):
    (tmp_path / "cpuinfo").write_text(text)
    assert hardware.cpu_multiplies_bfloat16(tmp_path / "cpuinfo") == native


def test_a_system_that_does_not_tell(tmp_path):
    assert not hardware.cpu_multiplies_bfloat16(tmp_path / "none")


@pytest.mark.parametrize(
    ("capabilities", "cpu", "precision"),
    [
        ([], True, "mixed_bfloat16"),
        ([], False, "float32"),
        ([(7, 5)], True, "float32"),
        ([(8, 0)], False, "mixed_bfloat16"),
        ([(9, 0), (7, 0)], True, "float32"),
        ([None], True, "float32"),
    ],
)
def test_auto_is_bfloat16_where_all_that_train_have_it(monkeypatch, capabilities, cpu, precision):
    details = lambda c: {} if c is None else {"compute_capability": c}  # noqa: E731
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    monkeypatch.setattr(hardware, "cpu_multiplies_bfloat16", lambda: cpu)
    assert hardware.resolve_precision("auto") == precision
    assert hardware.resolve_precision("mixed_float16") == "mixed_float16"


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_model_says_what_was_chosen(tiny_gan, monkeypatch, precision):
    monkeypatch.setattr("gans.model.networks.resolve_precision", lambda name: precision)
    gan = tiny_gan(precision="auto")
    assert gan.options.precision == gan.get_config()["precision"] == precision
    assert gan.critic.layers[1].compute_dtype == precision.removeprefix("mixed_")
