"""Arrays from a PyTorch file of weights, without PyTorch and without running what it pickles.

Such a file describes its tensors in pickled form. The few instructions that this takes are
interpreted here one by one; nothing that the file names is imported or called.
"""

import io
import math
import pickletools
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
_LEGACY_HEADER = 3  # pickles before the tensors': a magic number, the protocol, the system


class _Tensor:
    """A tensor as the file describes it: a part of a storage that is read later."""

    def __init__(self, storage: tuple, offset: int, shape: tuple, stride: tuple, *_: Any):
        _, self.kind, self.key, *_ = storage
        self.offset, self.shape, self.stride = offset, tuple(shape), tuple(stride)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(_DTYPES[self.kind.removeprefix("torch ")])

    def read(self, storages: dict[str, bytes]) -> np.ndarray:
        values = np.frombuffer(storages[self.key], self.dtype)
        contiguous = tuple(math.prod(self.shape[i + 1 :]) for i in range(len(self.shape)))
        if self.stride != contiguous:
            raise ValueError("a tensor that is not contiguous")
        return values[self.offset :][: math.prod(self.shape)].reshape(self.shape)


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors that `torch.save(module.state_dict(), path)` wrote, in their order.

    Args:
        path: A file of either format: that before PyTorch 1.6, or the .zip since.

    Returns:
        Arrays by name.

    Raises:
        ValueError: If it is not such a file, or holds anything but a dictionary of tensors.
        OSError: If it cannot be read.
    """
    file = io.BytesIO(Path(path).read_bytes())
    try:
        entries, storages = _read_zip(file) if zipfile.is_zipfile(file) else _read_legacy(file)
        tensors = {name: item for name, item in entries.items() if isinstance(item, _Tensor)}
        if not tensors:
            raise ValueError("no tensors")
        return {name: tensor.read(storages) for name, tensor in tensors.items()}
    # A damaged file may go wrong anywhere, in pickletools too.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"'{path}' must be an undamaged PyTorch file of weights. Received: {reason}"
        ) from error


def _read_zip(file: BinaryIO) -> tuple[dict, dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        described = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = described.removesuffix("data.pkl") + "data/"
        # Whole, for that compares the checksum.
        entries = _interpret(io.BytesIO(archive.read(described)))
        keys = [item.key for item in entries.values() if isinstance(item, _Tensor)]
        return entries, {key: archive.read(folder + key) for key in keys}


def _read_legacy(file: BinaryIO) -> tuple[dict, dict[str, bytes]]:
    file.seek(0)
    for _ in range(_LEGACY_HEADER):
        _interpret(file)
    entries = _interpret(file)
    sizes = {
        item.key: item.dtype.itemsize for item in entries.values() if isinstance(item, _Tensor)
    }
    storages = {}
    for key in _interpret(file):
        count = int.from_bytes(file.read(8), "little")
        storages[key] = file.read(count * sizes[key])
    return entries, storages


def _interpret(file: BinaryIO) -> Any:
    """What one pickle describes, of the instructions that dictionaries of tensors consist of."""
    stack, marks, memo = [], [], {}

    def since_mark() -> list:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    for instruction, argument, _ in pickletools.genops(file):
        match instruction.name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                marks.append(len(stack))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(instruction.name == "NEWTRUE")
            case (
                "GLOBAL" | "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINUNICODE"
                | "SHORT_BINUNICODE"
            ):  # fmt: skip
                stack.append(argument)  # a name ("module name") stays a text
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(instruction.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND":
                item = stack.pop()
                stack[-1].append(item)
            case "APPENDS":
                items = since_mark()
                stack[-1].extend(items)
            case "SETITEM":
                key, value = stack.pop(-2), stack.pop()
                stack[-1][key] = value
            case "SETITEMS":
                items = since_mark()
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
            case "BINPERSID":
                pass  # the description of a storage, which stays on the stack
            case "REDUCE":
                arguments, name = stack.pop(), stack.pop()
                stack.append(_stand_in(name, arguments))
            case "BUILD":
                stack.pop()  # attributes of the dictionary: versions of its layers
            case other:
                raise ValueError(f"the instruction {other}, which weights do not need")
    return stack.pop()


def _stand_in(name: Any, arguments: tuple) -> Any:
    """What the file would have called `name` for."""
    if name == "collections OrderedDict":
        return dict(*arguments)
    if name == "torch._utils _rebuild_tensor_v2":
        return _Tensor(*arguments)
    raise ValueError(f"a call of {name}, which weights do not need")
