"""The `dcgan` and `anime` networks and their training step in PyTorch, to compare speeds with."""

import contextlib
from collections.abc import Callable

import torch
from torch import nn

EPSILON = 1e-5


def networks(
    architecture: str, normalization: str, side: int, channels: int, filters: int, noise_dim: int
) -> tuple[nn.Module, nn.Module]:
    """Generator and critic as `gans.architectures` builds them, for images of side 4 * 2^n.

    Args:
        architecture: "dcgan" or "anime".
        normalization: The critic's: "none", "layer" or "batch".
        side: Height and width of the images.
        channels: 1 or 3.
        filters: Width of the networks, f.
        noise_dim: Length of a noise vector.
    """
    halvings = (side // 4).bit_length() - 1
    anime = architecture == "anime"
    kernel, most = (5, 4) if anime else (4, 3)
    widths = [filters * 2 ** min(level, most) for level in range(halvings + anime)]
    up = {"output_padding": 1} if anime else {}
    padding = 2 if anime else 1

    if anime:
        inner = [filters * 2 ** min(level + 1, most) for level in range(halvings)][::-1]
        plan = [(count, 2) for count in inner] + [(filters, 1), (channels, 1)]
        first, bias = inner[0], True
    else:
        plan = [(count, 2) for count in [*widths[:-1][::-1], channels]]
        first, bias = widths[-1], False
    generator = [nn.Linear(noise_dim, 16 * first, bias), nn.Unflatten(1, (first, 4, 4))]
    width = first
    for count, stride in plan:
        has_bias = bias or count == channels
        options = {"bias": has_bias, **(up if stride == 2 else {})}
        generator += [
            nn.BatchNorm2d(width, EPSILON),
            nn.ReLU(),
            nn.ConvTranspose2d(width, count, kernel, stride, padding, **options),
        ]
        width = count

    critic: list[nn.Module] = []
    width = channels
    for level, count in enumerate(widths):
        stride = 2 if level < halvings else 1
        convolution = nn.Conv2d(width, count, kernel, stride, padding)
        if normalization == "none" or level == 0:
            norm = nn.Identity()
        elif normalization == "batch":
            norm = nn.BatchNorm2d(count, EPSILON)
        else:
            norm = nn.GroupNorm(1, count, EPSILON)
        act = nn.LeakyReLU(0.2)
        critic += [act, convolution, norm] if anime else [convolution, norm, act]
        width = count
    critic += [nn.Flatten(), nn.Linear(16 * width, 1)]
    return nn.Sequential(*generator, nn.Tanh()), nn.Sequential(*critic)


def torch_step(
    generator: nn.Module,
    critic: nn.Module,
    shape: tuple[int, int, int, int],
    noise_dim: int,
    n_critic: int,
    clip_value: float | None,
    bfloat16: bool,
    threads: int,
) -> Callable[[], None]:
    """What makes one step, as `benchmarks.steps.bare` has it.

    Args:
        generator: As `networks` makes it.
        critic: Likewise.
        shape: (N, C, H, W) of a batch.
        noise_dim: Length of a noise vector.
        n_critic: Critic updates in the step.
        clip_value: Bound of the critic's weights; None: the gradient penalty, of weight 10.
        bfloat16: Whether to multiply in bfloat16, by autocast.
        threads: Processor cores to use.
    """
    torch.set_num_threads(threads)
    # NHWC, as TensorFlow has them, is the faster of PyTorch's two layouts on a CPU.
    generator, critic = (
        network.to(memory_format=torch.channels_last) for network in (generator, critic)
    )
    if clip_value is None:
        made = [torch.optim.Adam(n.parameters(), 1e-4, (0.5, 0.9)) for n in (critic, generator)]
    else:
        made = [torch.optim.RMSprop(n.parameters(), 5e-5) for n in (critic, generator)]
    real = (2 * torch.rand(n_critic, *shape) - 1).flatten(0, 1)
    real = real.contiguous(memory_format=torch.channels_last).split(shape[0])
    average = [weight.detach().clone() for weight in generator.parameters()]

    def low() -> contextlib.AbstractContextManager:
        return torch.autocast("cpu", torch.bfloat16, enabled=bfloat16)

    def step() -> None:
        for images in real:
            with low(), torch.no_grad():
                fake = generator(torch.randn(shape[0], noise_dim)).float()
            with low():
                loss = critic(fake).float().mean() - critic(images).float().mean()
            if clip_value is None:
                alpha = torch.rand(shape[0], 1, 1, 1)
                between = (alpha * images + (1 - alpha) * fake).requires_grad_()
                with low():
                    total = critic(between).float().sum()
                (slopes,) = torch.autograd.grad(total, between, create_graph=True)
                norms = (slopes.float().square().sum((1, 2, 3)) + 1e-12).sqrt()
                loss = loss + 10 * (norms - 1).square().mean()
            made[0].zero_grad()
            loss.backward()
            made[0].step()
            if clip_value is not None:
                with torch.no_grad():
                    for weight in critic.parameters():
                        weight.clamp_(-clip_value, clip_value)
        for weight in critic.parameters():  # its gradient is not wanted here
            weight.requires_grad_(False)
        made[1].zero_grad()
        with low():
            fake = generator(torch.randn(shape[0], noise_dim))
            generator_loss = -critic(fake).float().mean()
        generator_loss.backward()
        made[1].step()
        for weight in critic.parameters():
            weight.requires_grad_(True)
        torch._foreach_lerp_(average, [w.detach() for w in generator.parameters()], 1e-4)

    return step
