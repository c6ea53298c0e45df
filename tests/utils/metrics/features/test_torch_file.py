"""PyTorch files of weights, read without PyTorch and without running what they pickle.

torch_new.pth, torch_old.pth and torch_module.pth were written by torch.save: a state dictionary in
either format, and a pickled module.
"""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from utils.metrics.features.torch_file import read_state_dict

FILES = Path(__file__).parent
EXPECTED = {
    "conv.weight": np.array(
        [0.3436809182167053, 0.34676891565322876, -0.2981104254722595, 0.492109477519989,
         -0.20756298303604126, 0.47883981466293335, -0.42814797163009644, 0.4876090884208679,
         -0.46408456563949585, 0.029920578002929688, 0.28091245889663696, -0.15469735860824585],
        np.float32,
    ).reshape(3, 2, 1, 2),
    "bn.weight": np.ones(3, np.float32),
    "bn.bias": np.zeros(3, np.float32),
    "bn.running_mean": np.array(
        [0.5878621935844421, -0.4919101893901825, -0.9079607725143433], np.float32
    ),
    "bn.running_var": np.ones(3, np.float32),
    "bn.num_batches_tracked": np.array(0),
}  # fmt: skip
# os.system(TEXT) by each instruction that pickle has for it; the first as a value in a dictionary.
CALLS = [
    b"\x80\x02}X\x01\x00\x00\x00xcos\nsystem\nX%s\x85Rs.",
    b"\x80\x02cos\nsystem\nX%s\x85R.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93X%s\x85R.",
    b"(S'%s'\nios\nsystem\n.",
    b"(cos\nsystem\nX%so.",
]


@pytest.mark.parametrize("name", ["torch_new.pth", "torch_old.pth"])
def test_both_formats(name):
    tensors = read_state_dict(FILES / name)
    assert list(tensors) == list(EXPECTED)
    for key, array in EXPECTED.items():
        assert tensors[key].dtype == array.dtype
        np.testing.assert_array_equal(tensors[key], array)


def refusal_of(path):
    """The one line that reading this gives, if it gives nothing else."""
    with pytest.raises(ValueError, match="must be an undamaged PyTorch file") as caught:
        read_state_dict(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    return message


def test_a_pickled_module_is_refused():
    assert "NEWOBJ" in refusal_of(FILES / "torch_module.pth")


@pytest.mark.parametrize("pickled", CALLS, ids=range(len(CALLS)))
def test_what_a_file_would_call_is_not_called(tmp_path, pickled):
    mark, path = tmp_path / "mark", tmp_path / "a.pth"
    text = f"touch {mark}".encode()
    counted = text if b"'%s'" in pickled else len(text).to_bytes(4, "little") + text
    pickled = pickled % counted
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickled)
    refusal_of(path)
    old = (FILES / "torch_old.pth").read_bytes()
    for content in (pickled, old[:15] + pickled, old[:137] + pickled):  # each pickle of the four
        path.write_bytes(content)
        refusal_of(path)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["torch_new.pth", "torch_old.pth"])
def test_damaged_files(tmp_path, name):
    content, path = (FILES / name).read_bytes(), tmp_path / "a.pth"
    for size in range(0, len(content), 37):
        path.write_bytes(content[:size])
        refusal_of(path)
    path.write_bytes(content[:-1])
    refusal_of(path)
    for position in range(0, len(content), 5):  # some bytes say nothing; others must not crash
        changed = bytearray(content)
        changed[position] ^= 0x41
        path.write_bytes(changed)
        try:
            read_state_dict(path)
        except ValueError as error:
            assert "\n" not in str(error)


def test_what_is_no_torch_file(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"\x80\x02}.")
    refusal_of(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refusal_of(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
    assert "no tensors" in refusal_of(path)
    with pytest.raises(OSError, match="missing.pth"):
        read_state_dict(tmp_path / "missing.pth")
