"""What is measured of a picture generator, always beside what real pictures score.

In a feature space (`gan.image.features`): the Fréchet distance (Heusel et al. 2017), the kernel distance (Bińkowski et
al. 2018), precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020). By a classifier:
whether pictures show the class that was asked for, or which classes are drawn. With no network at all: the sliced
Wasserstein distance (`gan.image.wasserstein`).

Each figure has its floor, what real training pictures score against the held-out ones, and its yardsticks: what the
held-out pictures themselves score with a little noise on them.
"""

import io
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gan.evaluation import class_indices
from gan.image.features import PIXELS, FeatureSpace, feature_space
from gan.image.neighbours import NEAREST, memorisation, nearest, neighbour_sheet
from gan.image.wasserstein import sliced_wasserstein

if TYPE_CHECKING:
    from gan.image.data import ImageSet
    from gan.image.pipeline import ImagePipeline

NUM_IMAGES = 10_000
NOISE = (0.02, 0.03, 0.05, 0.1)  # sigma of the yardsticks, on the [-1, 1] scale
NEIGHBOURHOOD = 5  # k of precision, recall, density and coverage
FEWEST_IMAGES = 50  # of fewer, distributions of features are not compared
SUBSETS, SUBSET_SIZE = 100, 1_000  # of the kernel distance
BATCH = 64
CHUNK = 1_000  # pictures at once: bounds memory

PATCHED_IMAGES = 2_000  # at most, for the sliced Wasserstein distance
COMPARED_IMAGES = 2_000  # at most, with every training picture


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """The Fréchet distance between Gaussians fitted to two sets of features (n, d) and (m, d)."""
    from torchmetrics.image.fid import FrechetInceptionDistance  # seconds to import, which only measuring pays

    distance = FrechetInceptionDistance(feature=_GivenFeatures(first.shape[1]))
    distance.update(first.double(), real=False)
    distance.update(second.double(), real=True)
    return max(0.0, float(distance.compute()))


def kernel_distance(first: Tensor, second: Tensor, seed: int = 0) -> float:
    """The unbiased squared maximum mean discrepancy with a cubic kernel, the mean over random subsets; can be below 0.

    Args:
        first, second: features (n, d) and (m, d).
        seed: of the subsets.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # that it keeps all features
        torch.manual_seed(seed)
        size = min(SUBSET_SIZE, len(first), len(second))
        distance = KernelInceptionDistance(_GivenFeatures(first.shape[1]), subsets=SUBSETS, subset_size=size)
        distance.update(first.double(), real=False)
        distance.update(second.double(), real=True)
        return float(distance.compute()[0])


def fidelity_and_diversity(fake: Tensor, real: Tensor, k: int = NEIGHBOURHOOD) -> dict[str, float]:
    """Precision, recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of features.

    The ball of a picture reaches to its k-th nearest neighbour in its own set. Precision: the share of fake pictures
    in the ball of a real one. Recall: the share of real pictures in the ball of a fake one. Density: in how many
    balls of real pictures a fake one is, over k. Coverage: the share of balls of real pictures with a fake one in it.

    Args:
        fake, real: (n, d) and (m, d), more than k each.
    """
    real_radius, fake_radius = _radii(real, k), _radii(fake, k)
    precision, density = 0, 0
    recalled = torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for chunk, radius in zip(fake.split(CHUNK), fake_radius.split(CHUNK), strict=True):
        distances = torch.cdist(chunk, real)
        inside = distances <= real_radius
        precision += int(inside.any(1).sum())
        density += int(inside.sum())
        covered |= inside.any(0)
        recalled |= (distances <= radius[:, None]).any(0)
    return {
        "precision": precision / len(fake),
        "recall": float(recalled.float().mean()),
        "density": density / len(fake) / k,
        "coverage": float(covered.float().mean()),
    }


def class_histogram(named: Tensor, labels: Tensor, num_classes: int) -> tuple[int, float]:
    """How many classes are drawn, and the Kullback-Leibler divergence of their shares from the real ones, in nats.

    Args:
        named: int64 (n,) class of each generated picture, as a classifier names it.
        labels: int64 (m,) class of each real picture.
    """
    drawn = named.bincount(minlength=num_classes).double() / len(named)
    real = labels.bincount(minlength=num_classes).double().clamp_min(0.5) / len(labels)
    some = drawn > 0
    return int(some.sum()), float((drawn[some] * (drawn[some] / real[some]).log()).sum())


def spread(available: int, count: int) -> Tensor:
    """Indices of `count` pictures out of `available`, always the same; from all over, as many sets are sorted."""
    return torch.randperm(available, generator=torch.Generator().manual_seed(0))[:count].sort()[0]


def with_noise(pixels: Tensor, sigma: float) -> Tensor:
    """uint8 pictures with Gaussian noise of standard deviation `sigma` on the [-1, 1] scale, uint8 again."""
    source = torch.Generator().manual_seed(1)
    noisy = [
        (batch + 127.5 * sigma * torch.randn(batch.shape, generator=source)).round().clamp(0, 255).to(torch.uint8)
        for batch in pixels.split(CHUNK)
    ]
    return torch.cat(noisy)


@torch.inference_mode()
def measure(
    generated: Tensor,
    classes: Tensor | None,
    train_set: "ImageSet",
    test_set: "ImageSet",
    space: FeatureSpace | None,
) -> dict[str, Any]:
    """Measures pictures, wherever they come from, against held-out ones.

    As many pictures are compared as there are generated, held-out and training ones at least.

    Args:
        generated: uint8 (n, channels, height, width).
        classes: int64 (n,) the class that each was asked to show; `None` for an unconditional model.
        space: from `features.feature_space`; with `None` there is only the sliced Wasserstein distance. With fewer
            than 50 pictures features are not compared either.

    Returns:
        `metrics`: a dict for each figure, with `name`, `type` (for programs), `features` (name of the space),
        `value`, `floor`, `higher_is_better`, `split` and `samples`; `yardsticks`: a list of `name` and `values` (by
        `name` of the metric).
    """
    count = min(len(generated), len(train_set), len(test_set))
    picked = spread(len(generated), count)
    generated, asked = generated[picked], None if classes is None else classes[picked]
    kept = spread(len(test_set), count)
    held_out, held_out_labels = _pixels(test_set, kept), test_set.classes(kept)
    chosen = torch.randperm(len(train_set), generator=torch.Generator().manual_seed(0))[:count]
    rows = {"generated": generated, "real": _pixels(train_set, chosen)}
    rows |= {f"held-out with noise {sigma:g}": with_noise(held_out, sigma) for sigma in NOISE}

    few = spread(count, min(PATCHED_IMAGES, count))
    held_out_features = None if space is None else space(held_out)

    table: dict[str, list[dict[str, Any]]] = {}
    for name, pixels in rows.items():
        figures = table[name] = []
        if space is not None and held_out_features is not None:
            features = space(pixels)
            if count >= FEWEST_IMAGES:
                same_pictures = name not in ("generated", "real")
                figures += _in_space(features, held_out_features, space, same_pictures)
            if space.classifier is not None:
                # The classifier has seen the training pictures: its floor is measured on those it has not.
                judged = (held_out, held_out_features) if name == "real" else (pixels, features)
                named = space.classify(*judged)
                wanted = asked if name == "generated" or asked is None else held_out_labels
                figures += _by_class(named, wanted, train_set)
        distance = sliced_wasserstein(pixels[few].float() / 127.5 - 1, held_out[few].float() / 127.5 - 1)
        figure = _figure("Sliced Wasserstein distance", "sliced_wasserstein_distance", round(distance, 2), False)
        figures.append(figure | {"samples": len(few)})
    generated_figures, floors = table.pop("generated"), table.pop("real")
    return {
        "metrics": [
            {"samples": count} | figure | {"floor": floor["value"], "split": test_set.split}
            for figure, floor in zip(generated_figures, floors, strict=True)
        ],
        "yardsticks": [
            {"name": name, "values": {figure["name"]: figure["value"] for figure in row}}
            for name, row in table.items()
        ],
    }


def evaluate(
    pipeline: "ImagePipeline",
    train_set: "ImageSet",
    test_set: "ImageSet",
    features: str = "auto",
    num_images: int = NUM_IMAGES,
) -> dict[str, Any]:
    """The contents of `metrics.json`; the sheet of nearest training pictures goes to `pipeline.neighbours`.

    Pictures are generated with truncation 1 from seeds 0, 1, ..., with the classes of the held-out pictures.

    Args:
        features: one of `features.SPACES`.
        num_images: at most; as many are generated as there are held-out and training pictures.

    Raises:
        GANError: if the classes of the model aren't those of the data, or the feature space cannot be had.
    """
    count = min(num_images, len(test_set), len(train_set))
    kept = spread(len(test_set), count)
    asked = test_set.classes(kept) if pipeline.labels else None
    latents, drawn = pipeline.latents(list(range(count)))
    if asked is not None:
        drawn = class_indices(pipeline, test_set.label_names or [], test_set.name)[asked]
    space = feature_space(features, train_set)
    with torch.inference_mode():
        generated = torch.cat(
            [pipeline.decode(z, c) for z, c in zip(latents.split(BATCH), drawn.split(BATCH), strict=True)]
        )
        figures = measure(generated, asked, train_set, test_set, space)
        if pipeline.encoder is not None:
            _add_reconstruction(figures, pipeline, test_set, kept)

        look = space or PIXELS
        trained_on = look(torch.from_numpy(train_set.pixels))
        few = spread(count, min(COMPARED_IMAGES, count))
        distances, indices = nearest(look(generated[few]), trained_on, min(NEAREST, len(train_set)))
        held_out_distances, _ = nearest(look(_pixels(test_set, kept[few])), trained_on, 1)
        sheet = io.BytesIO()
        neighbour_sheet(generated[few], distances, indices, train_set).save(sheet, "PNG", optimize=True)
    pipeline.neighbours = sheet.getvalue()
    return figures | {"neighbours": {"features": look.name} | memorisation(distances[:, 0], held_out_distances[:, 0])}


class _GivenFeatures(nn.Module):
    """What torchmetrics takes for its network where the features are there already."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def _figure(name: str, kind: str, value: float, higher_is_better: bool, features: str = "") -> dict[str, Any]:
    full_name = f"{name} ({features})" if features else name
    figure = {"name": full_name, "type": kind, "value": value, "higher_is_better": higher_is_better}
    return figure | ({"features": features} if features else {})


def _in_space(fake: Tensor, real: Tensor, space: FeatureSpace, same_pictures: bool) -> list[dict[str, Any]]:
    """The figures of one set of features (n, d) against the held-out ones.

    Args:
        same_pictures: whether row k of both is of the same picture. The kernel distance then takes every second row
            of one and the others of the other: it is unbiased for sets drawn independently.
    """
    distance = frechet_distance(fake, real)
    # Its cubic kernel has a scale of its own, which Inception features happen to suit.
    scale = 1.0 if space.kind == "inception" else float(real.square().mean().sqrt())
    apart = (fake[::2], real[1::2]) if same_pictures else (fake, real)
    kernel = kernel_distance(apart[0] / scale, apart[1] / scale)
    if space.kind == "inception":
        figures = [_figure("FID", "fid", round(distance, 3), False, space.name)]
        figures += [_figure("KID x 1000", "kid_x1000", round(1000 * kernel, 3), False, space.name)]
    else:
        figures = [_figure("Fréchet distance", "frechet_distance", round(distance, 3), False, space.name)]
        figures += [_figure("Kernel distance x 1000", "kernel_x1000", round(1000 * kernel, 3), False, space.name)]
    for kind, value in fidelity_and_diversity(fake, real).items():
        figures.append(_figure(kind.capitalize(), kind, round(value, 4), True, space.name))
    return figures


def _by_class(named: Tensor, wanted: Tensor | None, train_set: "ImageSet") -> list[dict[str, Any]]:
    """The figures of the classes (n,) that the classifier sees, beside those that were asked for if any were."""
    if wanted is not None:
        agreement = float((named == wanted).double().mean())
        return [_figure("Class agreement", "class_agreement", round(agreement, 4), True)]
    drawn, divergence = class_histogram(named, torch.from_numpy(train_set.labels), len(train_set.label_names or ()))
    return [
        _figure("Classes drawn", "classes_drawn", drawn, True),
        _figure("Class divergence", "class_kl", round(divergence, 4), False),
    ]


def _add_reconstruction(
    figures: dict[str, Any], pipeline: "ImagePipeline", test_set: "ImageSet", kept: Tensor
) -> None:
    """Adds how far held-out pictures are from themselves, encoded and decoded: the root mean square in [-1, 1]."""

    def error(pixels: Tensor) -> float:
        return round(float((pixels.float() - held_out.float()).square().mean().sqrt()) / 127.5, 4)

    held_out = _pixels(test_set, kept)
    rebuilt = [pipeline.decode(*pipeline.encode_pixels(batch.float() / 127.5 - 1)) for batch in held_out.split(BATCH)]
    figure = _figure("Reconstruction error", "reconstruction_rmse", error(torch.cat(rebuilt)), False)
    figures["metrics"].append(figure | {"samples": len(kept), "floor": 0.0, "split": test_set.split})
    for yardstick, sigma in zip(figures["yardsticks"], NOISE, strict=True):
        yardstick["values"][figure["name"]] = error(with_noise(held_out, sigma))


def _radii(features: Tensor, k: int) -> Tensor:
    """(n,) distance of each vector (n, d) from its k-th nearest neighbour; the nearest of all is itself."""
    return nearest(features, features, k + 1)[0][:, k]


def _pixels(images: "ImageSet", indices: Tensor) -> Tensor:
    return torch.from_numpy(images.pixels[indices.numpy()])
