"""Feature spaces that samples are compared in, and training the small classifiers that some of them come from."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from diffusers import ModelMixin
from huggingface_hub import constants
from torch import Tensor
from tqdm.auto import tqdm

from gan.errors import GANError
from gan.utils.distributed import map_batches, synchronized
from gan.utils.files import new_folder

logger = logging.getLogger(__name__)

Classifier = TypeVar("Classifier", bound=ModelMixin)

BATCH = 128  # samples at once: bounds memory


@dataclass(frozen=True)
class FeatureSpace:
    """Samples as vectors; several processes share the work (`gan.utils.distributed`).

    Distances of one space cannot be compared with those of another, so every metric record carries the name of its
    space.

    Attributes:
        name: of the space, in records and cards: "classifier features".
        network: samples (n, ...) to vectors float32 (n, d), on the CPU.
        kind: "classifier", or what else the modality knows; "inception" where the Fréchet distance is the FID.
        classifier: predicts the classes of samples, whatever the space; `None` where the data has no labels. Has
            `predict(samples)` and `predict_from_features(features)`, both to int64 (n,) or (n, columns).
    """

    name: str
    network: Callable[[Tensor], Tensor]
    kind: str
    classifier: Any = None

    @torch.inference_mode()
    def __call__(self, samples: Tensor) -> Tensor:
        """Samples (n, ...) to float32 (n, d)."""
        return map_batches(self.network, samples, batch=BATCH, what=f"Computing {self.name}")

    @torch.inference_mode()
    def predict(self, samples: Tensor, features: Tensor) -> Tensor:
        """The most likely classes of samples, whose features in this space are known."""
        if self.kind == "classifier":
            return self.classifier.predict_from_features(features)
        return map_batches(self.classifier.predict, samples, batch=BATCH)


def why_no_classifier(train_set: Any, minimum: int, samples: str) -> str | None:
    """Why no classifier can be trained on a set; `None` if one can.

    Args:
        train_set: has `__len__` and `labels`, `None` or (n,) or (n, columns).
        minimum: number of samples that training takes.
        samples: what they are called, in the plural.
    """
    if train_set.labels is None:
        return f"the {samples} have no classes"
    if len(train_set) < minimum:
        return f"{len(train_set)} {samples} are too few, it takes {minimum:,}"
    if (train_set.labels == train_set.labels[0]).all():
        return f"the {samples} are all of one class"
    return None


def fit(
    classifier: Classifier,
    loss: Callable[[Tensor], Tensor],
    examples: int,
    unit: str,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float = 0.01,
) -> Classifier:
    """AdamW over shuffled batches, the learning rate rising and falling once (Smith & Topin 2019).

    Args:
        loss: of the examples at int64 (k,) indices.
        examples: how many there are; `unit` says of what, in the plural.
        epochs: passes over all of them.

    Returns:
        The classifier, which no longer learns (`eval`).
    """
    order = torch.Generator().manual_seed(0)
    steps = epochs * math.ceil(examples / batch_size)
    optimizer = torch.optim.AdamW(classifier.parameters(), learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    bar = tqdm(
        total=steps * batch_size,
        desc="Training the classifier that measures",
        unit=f" {unit}",
        leave=False,
        mininterval=1,
    )
    classifier.train()
    with bar, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(epochs):
            for batch in torch.randperm(examples, generator=order).split(batch_size):
                optimizer.zero_grad()
                loss(batch).backward()
                optimizer.step()
                schedule.step()
                bar.update(batch_size)
    return classifier.eval()


def cached(kind: type[Classifier], name: str, train: Callable[[], Classifier]) -> Classifier:
    """The classifier of that name from the cache, or else trained now and kept there.

    The cache is `gan-studio/classifiers` below huggingface_hub's `HF_HOME`. Of several processes the main one trains,
    and the others find what it kept; those that cannot, on another machine, train the same once more.

    Args:
        name: tells apart data and recipes.

    Raises:
        GANError: if what is kept there is damaged.
    """
    with synchronized():
        classifier = _found_or_trained(kind, name, train) if PartialState().is_main_process else None
    return _found_or_trained(kind, name, train) if classifier is None else classifier


def _found_or_trained(kind: type[Classifier], name: str, train: Callable[[], Classifier]) -> Classifier:
    folder = Path(constants.HF_HOME) / "gan-studio" / "classifiers" / name
    if folder.is_dir():
        try:
            return kind.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise GANError(f"The classifier in {folder} is damaged; remove that folder.") from error
    classifier = train()
    try:
        with new_folder(folder) as temporary:
            classifier.save_pretrained(temporary)
    except OSError as error:
        if not folder.is_dir():  # else another process was quicker
            logger.warning(f"The classifier could not be kept in {folder} ({error.strerror}); training it took time.")
    return classifier
