"""Data sets of tensorflow-datasets: TFRecord shards, or ArrayRecord shards, on this machine."""

import functools
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from utils.data.sources.base import Item, Shard, Source
from utils.data.sources.tfrecord import RecordFile
from utils.wording import printable

# How TFDS mixes the shards of a data set that is not kept in order: its defaults, fixed here
# because the order of the images, and so the digest, depends on them.
_SHARDS_AT_ONCE, _IMAGES_AT_ONCE = 16, 16


class TfdsSource(Source):
    """A data set of tensorflow-datasets with an "image" feature, downloaded if necessary.

    It is stored where TFDS_DATA_DIR or, without that, TFDS itself says.

    Args:
        location: "tfds:NAME" or "tfds:NAME:SPLIT"; the split is "train" if none is given, and may
            be a part such as "train[:10%]".
    """

    def __init__(self, location: str):
        _, self._name, self._split = [*location.split(":", 2), "train"][:3]
        super().__init__(f"tfds:{self._name}:{self._split}")

    @functools.cached_property
    def _builder(self):
        try:
            import tensorflow_datasets as tfds
            from tensorflow_datasets.core.download import downloader

            downloader.MAX_RETRIES = 4  # 10 take over three minutes without a network
            builder = tfds.builder(self._name, data_dir=os.environ.get("TFDS_DATA_DIR"))
            builder.download_and_prepare()
            features = builder.info.features
            has_images = isinstance(features, tfds.features.FeaturesDict) and "image" in features
            if not has_images or not isinstance(features["image"], tfds.features.Image):
                raise ValueError("it has no image feature named image")
            builder.info.splits[self._split]
            if builder.info.file_format.value == "array_record":
                import array_record.python  # noqa: F401 - without it TFDS cannot read them
            return builder
        except Exception as error:  # from the network, the disk, or the data set's own code
            line = str(error).split("\n")[0].rstrip(".")
            reason = textwrap.shorten(line, 200, placeholder=" ...")
            raise ValueError(
                "source must be a dataset that can be loaded: put its images into a folder and "
                f"use --source FOLDER instead. Received: {printable(self.location)} ({reason})"
            ) from error

    @property
    def channels(self) -> int:
        return 1 if self._builder.info.features["image"].shape[-1] == 1 else 3

    @property
    def random_access(self) -> bool:
        return self._format in ("array_record", "tfrecord")

    @property
    def _format(self) -> str:
        return self._builder.info.file_format.value

    @property
    def _split_info(self):
        return self._builder.info.splits[self._split]

    def stamps(self) -> Iterator[tuple[str, int, int]]:
        for path in sorted(Path(self._builder.data_path).iterdir()):
            status = path.stat()
            yield path.name, status.st_size, status.st_mtime_ns

    def __len__(self) -> int:
        return self._split_info.num_examples

    def name(self, index: int) -> str:
        return f"{self.location[5:]}[{index}]"

    def items(self) -> Iterator[Item]:
        if self._format == "array_record":  # which as_dataset cannot read
            yield from super().items()
            return
        import tensorflow_datasets as tfds

        decoders = {"image": tfds.decode.SkipDecoding()}  # Pillow decodes, as for every source
        reading = tfds.ReadConfig(interleave_cycle_length=self._shards_at_once,
                                  interleave_block_length=_IMAGES_AT_ONCE)
        dataset = self._builder.as_dataset(self._split, decoders=decoders, read_config=reading)
        for index, example in enumerate(tfds.as_numpy(dataset)):
            encoded = example["image"]
            yield Item(self.name(index), len(encoded), functools.partial(bytes, encoded))

    def read(self, index: int) -> bytes:
        if self._format == "array_record":
            return _encoded_image(self._array_records[index])
        shard, number = self._places[index]
        return _encoded_image(self._files[shard][number])

    @functools.cached_property
    def _array_records(self):
        import tensorflow_datasets as tfds

        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        return self._builder.as_data_source(split=self._split, deserialize_method=raw)

    @functools.cached_property
    def shards(self) -> list[Shard] | None:
        if self._format != "tfrecord":
            return None
        shards = []
        for number, part in enumerate(self._split_info.file_instructions):
            size = Path(part.filename).stat().st_size * part.take // part.examples_in_shard
            positions = np.flatnonzero(self._places[:, 0] == number)
            read = functools.partial(_read_shard, self._files[number], part.skip)
            shards.append(Shard(positions, size, read))
        return shards

    @functools.cached_property
    def _files(self) -> list[RecordFile]:
        return [RecordFile(part.filename) for part in self._split_info.file_instructions]

    @property
    def _shards_at_once(self) -> int:
        return 1 if self._builder.info.disable_shuffling else _SHARDS_AT_ONCE

    @functools.cached_property
    def _places(self) -> np.ndarray:
        """Each image's file and its place there, in the order of `items`: [N, 2]."""
        import tensorflow as tf

        parts = self._split_info.file_instructions
        ends = np.cumsum([part.take for part in parts])
        starts = ends - [part.take for part in parts]
        mixed = tf.data.Dataset.from_tensor_slices((starts, ends)).interleave(
            tf.data.Dataset.range, self._shards_at_once, _IMAGES_AT_ONCE)
        numbers = np.concatenate(list(mixed.batch(2**16).as_numpy_iterator()))
        files = np.searchsorted(ends, numbers, side="right")
        skipped = np.array([part.skip for part in parts])
        return np.stack([files, numbers - starts[files] + skipped[files]], axis=1)


def _read_shard(file: RecordFile, skip: int, mask: np.ndarray) -> Iterator[bytes]:
    return map(_encoded_image, file.select([*[False] * skip, *mask.tolist()]))


def _encoded_image(record: bytes) -> bytes:
    """The "image" feature of a serialized tf.train.Example."""
    import tensorflow as tf

    return tf.train.Example.FromString(record).features.feature["image"].bytes_list.value[0]
