"""The command line of `generate_images.py`."""


from utils.checks import Rule, at_least, one_of, positive
from utils.options.command_line import OptionParser, add_options

MOST_SEEDS = 1_000_000
TRUST_HELP = ("read a SavedModel that was not written on this machine: it may run any code, while "
              "a .keras or .h5 file cannot")


def _seeds(text: str) -> list[int]:
    """ "3,7,10-20" as numbers."""
    seeds = {}  # each once, in order
    for part in text.split(","):
        first, dash, last = part.partition("-")
        run = range(int(first), int(last if dash else first) + 1)
        if not run or run[0] < 0 or len(run) > MOST_SEEDS:
            raise ValueError
        seeds |= dict.fromkeys(run)
    return list(seeds)


def _grid(text: str) -> tuple[int, int]:
    rows, columns = map(int, text.lower().split("x"))
    return rows, columns


SEEDS = Rule("a list of seeds, such as 3,7,10-20", lambda seeds: True, _seeds)
GRID = Rule("a grid of rows and columns, such as 8x8", lambda grid: min(grid) > 0, _grid)
SEED, COUNT = at_least(0), at_least(1)


def generation_parser() -> OptionParser:
    """The parser of `generate_images.py`."""
    parser = OptionParser(
        usage="%(prog)s GENERATOR [what to make] [options]",
        description="Make images with a trained generator: files, a grid, or pictures of what "
        "changes with the noise.",
        epilog="""examples:
  %(prog)s runs/gan --count 1000                    1,000 PNG files
  %(prog)s runs/gan --grid 8x8                      one picture of 64 images
  %(prog)s runs/gan --seeds 3,7,10-20               single images, each with its own seed
  %(prog)s runs/gan --interpolate 3 7               the way from one image to another
  %(prog)s runs/gan --walk 8                        a film through noise, back to its start
  %(prog)s runs/gan --directions 6                  what changes most, found without labels
  %(prog)s runs/gan --nearest photos                each image with the most similar photo

Image i of a seed is always the same, whatever else is made with it.""",
    )
    parser.add_argument("generator", metavar="GENERATOR",
                        help="a run directory (its last EMA generator) or a saved generator "
                        "(.keras, .h5 or a SavedModel folder)")
    which = parser.add_argument_group("which generator of a run directory")
    which.add_argument("--raw", action="store_true", help="the generator without averaging")
    which.add_argument("--best", action="store_true", help="the best generator that the run kept")
    which.add_argument("--step", type=SEED, metavar="N", help="the generator in the checkpoint of "
                                                              "step N")
    what = parser.add_argument_group("what to make (default: --count 64)")
    what.add_argument("--count", type=COUNT, metavar="N", help="N image files")
    what.add_argument("--seeds", type=SEEDS, metavar="LIST",
                      help="an image file for each seed, for example 3,7,10-20")
    what.add_argument("--grid", type=GRID, metavar="RxC", help="a grid of R rows and C columns")
    what.add_argument("--interpolate", type=SEED, nargs="+", metavar="SEED",
                      help="the way between the images of two or more seeds: a picture or, with "
                      "--output NAME.gif or NAME.mp4, an animation")
    what.add_argument("--traverse", type=SEED, nargs="*", metavar="I",
                      help="a grid in which components I and J of the noise go from -1 to 1 "
                      "(default: the first and the last)")
    what.add_argument("--walk", type=positive, metavar="SECONDS",
                      help="an animation along a smooth closed path through noise")
    what.add_argument("--directions", type=COUNT, metavar="K",
                      help="a row for each of the K directions in noise that change most")
    what.add_argument("--nearest", metavar="SOURCE",
                      help="ten images (or --count or --seeds), each above the nearest real image "
                      "of a folder, a .zip or .tar, a .npy or .npz array, an idx .gz file, "
                      "tfds:NAME[:SPLIT] or faces")
    what.add_argument("--export", nargs="+", type=one_of("onnx", "litert"), metavar="FORMAT",
                      help="the generator itself for other programs: onnx, litert")
    how = parser.add_argument_group("how")
    how.add_argument("--seed", type=SEED, metavar="S",
                     help="seed of the images (default: 0)")
    how.add_argument("--truncation", type=positive, metavar="T",
                     help="bound of the noise's components, for example 2: more typical images, "
                     "fewer different ones")
    how.add_argument("--noise", type=one_of("normal", "uniform"), metavar="{normal,uniform}",
                     help="noise of a saved generator (default: its run's, else normal)")
    how.add_argument("--trust", action="store_true", help=TRUST_HELP)
    how.add_argument("--frames", type=at_least(2), metavar="K",
                     help="images along a path, 2 or more (default: 9 in a picture, 48 in an "
                     "animation)")
    how.add_argument("--linear", action="store_true",
                     help="--interpolate along straight lines even in normal noise")
    how.add_argument("--by", type=one_of("layer", "activations"), metavar="{layer,activations}",
                     help="find --directions from the first layer's weights (SeFa) or from the "
                     "principal components of its activations (GANSpace; default: layer)")
    how.add_argument("--inception_weights", metavar="FILE",
                     help="compare --nearest in features of the Inception network (default: in "
                          "pixels)")
    how.add_argument("--features", metavar="FILE.keras",
                     help="compare --nearest in features of this Keras model of images in 0..255")
    real = parser.add_argument_group("how images of --nearest are prepared (default: as the run "
                                     "did)")
    add_options(real, ("crop", "background", "max_megapixels", "cache_dir", "no_cache"))
    output = parser.add_argument_group("output")
    output.add_argument("--output", metavar="PATH",
                        help="for image files a folder, a .zip, or an .npz with one array; for an "
                        "export a folder; else a .png, .gif or .mp4 (default: a name in the folder "
                        "generated, in the run directory or beside the generator)")
    output.add_argument("--format", type=one_of("png", "jpg", "webp"), metavar="{png,jpg,webp}",
                        help="format of image files (default: png)")
    output.add_argument("--overwrite", action="store_true", help="replace existing files")
    output.add_argument("--quiet", action="store_true", help="print warnings and errors only")
    return parser
