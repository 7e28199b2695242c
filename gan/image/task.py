"""What pictures bring to the training loop."""

import argparse
import math
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor, nn

from gan.cli import expanded_path, positive_float, positive_int
from gan.data import add_label_arguments
from gan.errors import GANError
from gan.image import data, imported, metrics
from gan.image.growing import grown
from gan.image.imported import Critic, ImportedGenerator
from gan.image.networks import ImageDiscriminator, ImageEncoder, ImageGenerator, size_preset
from gan.image.objectives import OBJECTIVES, Autoencoder, PairedGAN
from gan.image.pipeline import ImagePipeline
from gan.image.plots import classes_by_seeds, contact_sheet, reconstructions
from gan.labels import by_column
from gan.networks import SIZES, grids
from gan.training.adversarial import VALIDATION_SHARE, AdversarialTask, add_adversarial_arguments, keep_shape
from gan.training.class_transfer import resembling, starts, transferred, with_columns
from gan.training.randomness import StepRandom
from gan.training.task import Batch, ObjectiveTask, load_pretrained
from gan.zoo import ZooGenerator

GAMMA_VALUES = 28 * 28  # of the pictures that the default gamma was found with

OBJECTIVE_FLAGS = {"--kl_weight": ("vae", "vaegan"), "--reconstruction_weight": ("vaegan",)}


def resolution(text: str) -> tuple[int, int]:
    """An argparse type: `32` or `96x64` (height x width)."""
    sides = [int(side) for side in text.lower().split("x")]
    if len(sides) > 2 or min(sides) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a size like 32 or 96x64")
    return sides[0], sides[-1]


class ImageTask(AdversarialTask):
    """Pictures: a generator and discriminator after R3GAN, grey or RGB, with or without classes."""

    unit = "images"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the flags for pictures."""
        objective = parser.add_argument_group("objective")
        objective.add_argument(
            "--objective",
            choices=tuple(OBJECTIVES),
            default="gan",
            help="a generator against a discriminator, or with an encoder instead of it (vae) or beside it (vaegan), "
            "which takes pictures to latents",
        )
        objective.add_argument(
            "--kl_weight", type=positive_float, default=1.0, help="of the KL divergence (vae, vaegan); 1 is the bound"
        )
        objective.add_argument(
            "--reconstruction_weight",
            type=positive_float,
            default=1.0,
            help="of rebuilding pictures against fooling the discriminator (vaegan)",
        )
        pictures = parser.add_argument_group("pictures")
        pictures.add_argument(
            "--dataset_name",
            type=expanded_path,
            default="glyphs",
            help="a Hub id, a local folder laid out as one, or the built-in glyphs",
        )
        pictures.add_argument("--image_column", help="column with the pictures; by default the one there is")
        pictures.add_argument(
            "--label_column",
            nargs="+",
            metavar="COLUMN",
            help="columns with classes, one or several at once (label design); by default `label`, or the one that is "
            "usually called so",
        )
        pictures.add_argument(
            "--group_column",
            nargs="+",
            metavar="COLUMN",
            help="columns that tell which pictures belong together, such as the family and style of letters: those of "
            "one group share a latent, and the discriminator judges pairs of them with different labels (gan)",
        )
        pictures.add_argument("--unconditional", action="store_true", help="pay no attention to classes")
        add_label_arguments(pictures)
        pictures.add_argument(
            "--resolution",
            type=resolution,
            help="32 or 96x64 (height x width); by default the pictures' own, up to 64. A model that is fine-tuned is "
            "grown where this is twice its own, or four times",
        )
        pictures.add_argument(
            "--center_crop",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="crop to the shape of the resolution instead of stretching to it",
        )
        pictures.add_argument(
            "--image_channels", type=int, choices=(1, 3), help="grey or RGB; by default as the pictures are"
        )
        pictures.add_argument("--random_flip", action="store_true", help="mirror half of all pictures, at random")
        pictures.add_argument("--model_size", choices=tuple(SIZES), help="of both networks (default: small)")
        pictures.add_argument(
            "--patch_size",
            type=positive_int,
            help="side of the patches that pictures are drawn in, by wider networks of fewer stages (default: 1)",
        )
        pictures.add_argument("--latent_dim", type=positive_int, help="numbers in a latent (default: 64)")
        add_adversarial_arguments(pictures, "images")
        pictures.add_argument(
            "--new_discriminator",
            action="store_true",
            help="fine-tune against a new one, as where a model was published without",
        )
        pictures.add_argument(
            "--path_length_weight",
            type=positive_float,
            help="of path length regularisation, where a StyleGAN2 is fine-tuned; its authors take 2, and none for "
            "small data sets; by default there is none",
        )

    @staticmethod
    def unused_flags(args: argparse.Namespace) -> dict[str, str]:
        unused = AdversarialTask.unused_flags(args)
        for flag, objectives in OBJECTIVE_FLAGS.items():
            if args.objective not in objectives:
                unused[flag] = f"belongs to --objective {' or '.join(objectives)}, and not to {args.objective}"
        if args.train_data_dir is None and args.dataset_name == data.BUILT_IN:
            names = ("image_column", "label_column", "dataset_config_name", "center_crop", "no-center_crop")
            unused |= {f"--{name}": f"means nothing to the built-in {data.BUILT_IN}" for name in names}
        return unused

    def __init__(self, args: argparse.Namespace):
        self.args = args
        _check_groups(args)
        pretrained = load_pretrained(args, ImagePipeline)
        _check_flags(args, pretrained)
        if pretrained is not None:
            args.resolution = args.resolution or pretrained.resolution
            args.image_channels = _colours(args, pretrained)
        if args.resolution:
            grids(args.resolution)  # refuses what cannot be used before any picture is read
        if pretrained is not None and isinstance(pretrained.generator, ZooGenerator):
            imported.check(args, pretrained)
        elif pretrained is not None:
            _check_pretrained(args, pretrained)
            pretrained = grown(pretrained, args.resolution, args.pretrained_model_name_or_path)
        self.train_set, self.test_set = data.load(args)
        self._order_columns(by_column(pretrained.labels) if pretrained is not None else {})
        self.origin = {} if pretrained is None else pretrained.training_record.get("imported", {})
        self._make_players(pretrained)

        can_overfit = self.discriminator is not None and args.augment_target < 1
        self.freeze_discriminator()
        self.groups = self.train_set.groups
        self.split_validation(VALIDATION_SHARE if can_overfit else 0.0)
        # A picture enlarged to twice the sides, or repeated in every channel, has as many times more values as the
        # square of its gradient is smaller: with this, the penalty weighs the same. A discriminator of patches needs
        # more of it: with half as much, that of white letters on black ran away (benchmarks/ablation.md).
        values = self.train_set.channels * math.prod(self.train_set.resolution)
        self.default_gamma = ObjectiveTask.default_gamma * (args.patch_size or 1) * values / GAMMA_VALUES
        if isinstance(self.discriminator, Critic):
            self.objective = imported.Imported(args, self.discriminator.discriminator)
            self.validation_share = 1.0  # their logits depend on the batch, so all batches are of one size
            self.default_gamma = imported.default_gamma(args, self.discriminator.discriminator, self.default_gamma)
        else:
            self.objective = OBJECTIVES[args.objective](args) if self.groups is None else PairedGAN(args)

    def _make_players(self, pretrained: ImagePipeline | None) -> None:
        if pretrained is not None and isinstance(pretrained.generator, ZooGenerator):
            self.generator, self.discriminator = imported.networks(self.args, self.train_set, pretrained)
        else:
            networks = _networks(self.args, self.train_set, pretrained)
            encoder = networks.get("encoder")
            self.generator = networks["generator"] if encoder is None else Autoencoder(networks["generator"], encoder)
            self.discriminator = networks.get("discriminator")
        for network in filter(None, (self.generator, self.discriminator)):
            network.to(memory_format=torch.channels_last).train()

    def _order_columns(self, known: dict[str, list[str]]) -> None:
        """Puts several label columns into the order of an earlier model's, where these are the same."""
        found = self.train_set.columns()[1]
        if len(found) > 1 and list(known) != list(found) and set(known) == set(found):
            self.train_set = self.train_set.in_order(list(known))
            self.test_set = self.test_set and self.test_set.in_order(list(known))

    def samples(self, indices: Tensor) -> Tensor:
        return self.train_set.images(indices)

    def batch(self, indices: Tensor, random: StepRandom) -> Batch:
        batch = super().batch(indices, random)
        if isinstance(self.generator, ImportedGenerator):  # whose noise is drawn from the global state
            torch.manual_seed(int(random.uniform(1)[0] * 2**31) + random.rank)
        if self.args.random_flip:
            for name in [
                name for name in ("real", "validation") if name in batch
            ]:  # in this order: each draws by chance
                alike = 1 if self.groups is None else 2  # a pair is mirrored together
                mirrored = (random.uniform(len(batch[name]) // alike) < 0.5).repeat_interleave(alike)
                batch[name] = torch.where(mirrored[:, None, None, None], batch[name].flip(3), batch[name])
        return batch

    def pipeline(self, generator: nn.Module, discriminator: nn.Module | None) -> ImagePipeline:
        encoder = None
        if isinstance(generator, Autoencoder):
            generator, encoder = generator.generator, generator.encoder
        if isinstance(generator, ImportedGenerator):
            generator, discriminator = generator.generator, discriminator and discriminator.discriminator
        pipeline = ImagePipeline(generator, discriminator, self.train_set.label_names, encoder=encoder)
        if self.origin:
            pipeline.training_record["imported"] = self.origin
        if isinstance(self.objective, imported.Imported):
            pipeline.training_record["loss"] = self.objective.description
        return pipeline

    def preview(self, pipeline: ImagePipeline, path: Path) -> Path:
        file = path.with_suffix(".png")
        images = pipeline(seed=0, num_images=64).images if self.groups is None else classes_by_seeds(pipeline, 8)
        if pipeline.encoder is not None:  # half of the sheet: held-out pictures, each above how it is rebuilt
            images[:32] = reconstructions(pipeline, self.test_set or self.train_set, rows=2)
        contact_sheet(images).save(file)
        return file

    def evaluate(self, pipeline: ImagePipeline) -> dict[str, Any]:
        if self.test_set is None:
            PartialState().print("There are too few pictures to hold some out, so nothing is measured.", flush=True)
            return {"metrics": []}
        return metrics.evaluate(pipeline, self.train_set, self.test_set)


def _networks(
    args: argparse.Namespace, train_set: data.ImageSet, pretrained: ImagePipeline | None
) -> dict[str, nn.Module]:
    """The networks of the objective by name: new ones, or those of an earlier model.

    Classes of an earlier model are matched by name; new ones start as those that they resemble. An encoder that it
    doesn't have is new.
    """
    names = train_set.columns()[1]
    config: dict[str, Any] = {
        "resolution": train_set.resolution,
        "image_channels": train_set.channels,
        "num_classes": tuple(map(len, names.values())) if len(names) > 1 else sum(map(len, names.values())),
    }
    earlier: dict[str, Any] = {}
    if pretrained is None:
        args.model_size, args.latent_dim = args.model_size or "small", args.latent_dim or 64
        config |= size_preset(train_set.resolution, args.model_size, args.patch_size or 1)
    else:
        config |= {name: pretrained.generator.config[name] for name in ("channels", "blocks_per_stage", "patch_size")}
        earlier = {name: getattr(pretrained, name) for name in OBJECTIVES[args.objective].networks}
        earlier = {name: network for name, network in earlier.items() if network is not None}
        if args.new_discriminator:
            earlier.pop("discriminator", None)
        columns = by_column(pretrained.labels)
        known = list(columns.values())
        if known and names and len(known) != len(names):
            earlier, known = with_columns(earlier, columns, names)
        classes = train_set.classes(torch.arange(len(train_set)))
        begin = starts(known, list(names.values()), classes, resembling(earlier["generator"], train_set.images))
    networks: dict[str, nn.Module] = {}
    pairs = train_set.groups is not None
    for name in OBJECTIVES[args.objective].networks:
        if name in earlier:
            old = earlier[name]
            if name == "discriminator" and not pairs:
                old = with_pair_network(old, False)
            networks[name] = transferred(old, earlier["generator"].class_counts, config["num_classes"], begin)
            if name == "discriminator":
                networks[name] = with_pair_network(networks[name], pairs)
        elif name == "discriminator":
            networks[name] = ImageDiscriminator(pairs=pairs, **config)
        elif name == "encoder":
            networks[name] = ImageEncoder(latent_dim=args.latent_dim, **config)
        else:
            networks[name] = ImageGenerator(latent_dim=args.latent_dim, **config)
    return networks


def with_pair_network(discriminator: ImageDiscriminator, wanted: bool) -> ImageDiscriminator:
    """A discriminator that judges pairs, or one that does not: the same otherwise, and what judges pairs is new."""
    if discriminator.config.pairs == wanted:
        return discriminator
    changed = ImageDiscriminator.from_config(discriminator.config, pairs=wanted)
    known = changed.state_dict().keys()
    kept = {name: weight for name, weight in discriminator.state_dict().items() if name in known}
    changed.load_state_dict(changed.state_dict() | kept)
    return changed


def _check_groups(args: argparse.Namespace) -> None:
    """Raises `GANError` where other flags forbid that pictures are trained on in pairs."""
    if not args.group_column:
        return
    if args.objective != "gan":
        raise GANError(
            f"--group_column needs --objective gan: with an encoder a latent belongs to one picture, not to a group; "
            f"leave it out to train a {args.objective}."
        )
    if args.train_batch_size % 2:
        raise GANError(
            f"--group_column makes batches of pairs, and {args.train_batch_size} pictures are none; give an even "
            f"--train_batch_size."
        )


def _check_flags(args: argparse.Namespace, pretrained: ImagePipeline | None) -> None:
    """Raises `GANError` for flags that only mean something to models of another kind."""
    if args.new_discriminator and (pretrained is None or "discriminator" not in OBJECTIVES[args.objective].networks):
        raise GANError("--new_discriminator belongs to fine-tuning a model against a discriminator; leave it out.")
    if args.new_discriminator and args.freeze_discriminator_layers:
        raise GANError("A new discriminator has nothing to freeze; leave --freeze_discriminator_layers out.")
    if args.path_length_weight and (pretrained is None or not isinstance(pretrained.generator, ZooGenerator)):
        raise GANError("--path_length_weight belongs to fine-tuning a StyleGAN2; leave it out.")


def _colours(args: argparse.Namespace, pretrained: ImagePipeline) -> int:
    wanted, known = args.image_channels, pretrained.generator.config.image_channels
    if wanted not in (None, known):
        raise GANError(
            f"{args.pretrained_model_name_or_path} draws {'grey' if known == 1 else 'RGB'} pictures and "
            f"cannot be fine-tuned with --image_channels {wanted}; leave that out, or train from scratch."
        )
    return known


def _check_pretrained(args: argparse.Namespace, pretrained: ImagePipeline) -> None:
    """Fills in `latent_dim` and `patch_size` of a model of ours that is fine-tuned.

    Raises:
        GANError: if the model and the flags do not go together, whatever the data.
    """
    needed = "discriminator" in OBJECTIVES[args.objective].networks and not args.new_discriminator
    if pretrained.discriminator is None and needed:
        remedy = "" if pretrained.encoder is None else ", or fine-tune it with --objective vae"
        raise GANError(
            f"{args.pretrained_model_name_or_path} has no discriminator, so it cannot be fine-tuned with --objective "
            f"{args.objective}; add --new_discriminator{remedy}."
        )
    patch = pretrained.generator.config.patch_size
    preset = size_preset(pretrained.resolution, args.model_size, patch) if args.model_size else {}
    asked = {"patch_size": {"patch_size": args.patch_size}, "model_size": preset}
    keep_shape(args, pretrained.generator, asked)
    args.patch_size = patch
