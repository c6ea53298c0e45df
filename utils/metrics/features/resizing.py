"""How images are resized for a feature extractor: part of every protocol."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from PIL import Image

RESIZE_MODES = ("tf1", "clean")


def resize(images: np.ndarray, size: tuple[int, int], mode: str) -> np.ndarray:
    """Resizes uint8 [N, H, W, C] to float32 [N, *size, C] in 0..255.

    Args:
        images: The images.
        size: (H, W) of the result.
        mode: "tf1": bilinear as in TensorFlow 1, without half-pixel centers or antialiasing, like
            the first FID code and torch-fidelity. "clean": Pillow's bicubic, antialiased, on each
            channel in floating point, clipped to 0..255: clean-fid's (Parmar et al. 2022,
            https://arxiv.org/abs/2104.11222).
    """
    if mode == "clean":
        with ThreadPoolExecutor() as pool:
            return np.stack(list(pool.map(partial(_resize_clean, size=size), images)))
    import tensorflow as tf

    # `tf.image.resize` of TensorFlow 2 is another function.
    return tf.raw_ops.ResizeBilinear(images=images, size=size, align_corners=False,
                                     half_pixel_centers=False).numpy()


def _resize_clean(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    channels = [Image.fromarray(channel).resize(size[::-1], Image.Resampling.BICUBIC)
                for channel in np.moveaxis(image.astype(np.float32), -1, 0)]
    return np.clip(np.stack(channels, axis=-1), 0.0, 255.0)
