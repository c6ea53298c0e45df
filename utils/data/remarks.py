"""What a person should know of a collection besides the images that are skipped."""

from collections.abc import Mapping

from utils.wording import counted

_KEPT = 20  # endings
_NAMED = 6  # of them, in a sentence


def most_common(endings: Mapping[str, int]) -> dict[str, int]:
    """The numbers of files by ending, the most frequent first; the rarest of many in one number."""
    ordered = dict(sorted(endings.items(), key=lambda item: (-item[1], item[0])))
    rest = sum(list(ordered.values())[_KEPT:])
    return dict(list(ordered.items())[:_KEPT]) | ({"others": rest} if rest else {})


def listed(endings: Mapping[str, int]) -> str:
    """.heic 2, .psd 1; of many, the most frequent ones."""
    parts = [f"{ending} {count:,}" for ending, count in endings.items()]
    more = f" and {len(parts) - _NAMED} more" if parts[_NAMED:] else ""
    return ", ".join(parts[:_NAMED]) + more


def remarks(left_out: Mapping[str, int], scaled: int) -> list[str]:
    """Sentences on what was left out, by ending, and the number of images with another scale."""
    lines = []
    if left_out:
        count, verb = sum(left_out.values()), "was" if sum(left_out.values()) == 1 else "were"
        files = counted(count, "file with another ending", "files with other endings")
        lines.append(f"{files} {verb} left out: {listed(left_out)}.")
    if scaled:
        images, verb = counted(scaled, "image", "images"), "was" if scaled == 1 else "were"
        lines.append(f"{images} with float or 32-bit pixels {verb} scaled, each by its own range.")
    return lines
