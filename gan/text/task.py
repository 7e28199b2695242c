"""What text brings to the training loop."""

import argparse
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor, nn

from gan.cli import decay, positive_float, positive_int
from gan.errors import GANError
from gan.text import data, metrics
from gan.text.likelihood import nll
from gan.text.networks import ARCHITECTURES, CLASS_AXIS, SHAPE, TextGenerator
from gan.text.objectives import CRITIC_LOSSES, OBJECTIVES, TextObjective
from gan.text.pipeline import TextPipeline, joined
from gan.text.plots import text_sheet
from gan.text.tokenizer import END, IGNORED, KINDS, UNKNOWN
from gan.training.class_transfer import check_labelled, matched, starts
from gan.training.randomness import StepRandom
from gan.training.task import Batch, ObjectiveTask, load_pretrained


class TextTask(ObjectiveTask):
    """Text: a small language model, and adversarial refinements of it."""

    unit = "texts"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the flags for text."""
        objective = parser.add_argument_group("objective")
        objective.add_argument(
            "--objective",
            choices=tuple(OBJECTIVES),
            default="mle",
            help="maximum likelihood, or what goes on from a model of it: a critic that refines every next token "
            "(ratio), both made one network again (distil), or a classic adversarial game (seqgan, relgan). "
            "The learning rate is 2e-3 by default, 1e-4 for the games",
        )
        objective.add_argument(
            "--critic_loss", choices=CRITIC_LOSSES, default="bound", help="what the critic learns by (ratio)"
        )
        objective.add_argument(
            "--rollouts", type=positive_int, default=4, help="texts that a token is rewarded by (seqgan); 16 published"
        )
        objective.add_argument(
            "--beta_max", type=positive_float, default=100.0, help="inverse temperature in the end (relgan)"
        )
        texts = parser.add_argument_group("text")
        texts.add_argument(
            "--dataset_name",
            default="verses",
            help=f"a Hub id, a local folder laid out as one, or built in: {', '.join(data.BUILT_IN)}",
        )
        texts.add_argument("--text_column", help="column with the texts; by default `text`, if there is one")
        texts.add_argument("--label_column", help="column with the classes; by default `label`, if there is one")
        texts.add_argument("--unconditional", action="store_true", help="pay no attention to classes")
        texts.add_argument(
            "--streaming", action="store_true", help="read the data set while it downloads, and no more than is used"
        )
        texts.add_argument("--tokens", choices=KINDS, default="words", help="what a text is cut into")
        texts.add_argument("--vocab_size", type=positive_int, default=8_000, help="tokens, at most")
        texts.add_argument(
            "--max_length", type=positive_int, help="tokens of a text; longer ones are cut; default: 99.5 %% fit"
        )
        texts.add_argument("--architecture", choices=ARCHITECTURES, default="lstm", help="of the generator")
        texts.add_argument("--embedding_size", type=positive_int, default=256, help="features of a token")
        texts.add_argument("--hidden_size", type=positive_int, default=256, help="features between layers")
        texts.add_argument(
            "--tied",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="input and output share their embedding",
        )
        texts.add_argument("--num_layers", type=positive_int, default=1, help="of the generator")
        texts.add_argument("--num_heads", type=positive_int, default=4, help="of attention (transformer, memory)")
        texts.add_argument("--dropout", type=decay, default=0.5, help="share of features left out in training")
        texts.add_argument("--noise", type=decay, default=0.1, help="share of input tokens replaced in training")
        parser.set_defaults(
            train_batch_size=64,
            learning_rate=None,  # the objective's own, like the next two
            adam_beta2=None,
            discriminator_steps=None,
            adam_weight_decay=0.01,
            validation_steps=200,
            max_train_steps=4000,
            patience=10,
        )

    def __init__(self, args: argparse.Namespace):
        if args.num_train_epochs is not None:
            args.max_train_steps = None
        objective = OBJECTIVES[args.objective]
        for name in ("learning_rate", "discriminator_steps", "max_grad_norm"):
            setattr(args, name, getattr(args, name) or getattr(objective, name))
        betas = zip((args.adam_beta1, args.adam_beta2), objective.adam_betas)
        args.adam_beta1, args.adam_beta2 = (default if asked is None else asked for asked, default in betas)
        self.args = args
        pretrained = load_pretrained(args, TextPipeline)
        splits = data.load(args)
        self.train_set, self.validation_set, self.test_set = splits.train, splits.validation, splits.test
        self.size = len(self.train_set)
        if pretrained is None:
            self.tokenizer = data.learn_tokenizer(self.train_set, args.tokens, args.vocab_size)
            args.max_length = args.max_length or data.natural_length(self.train_set, self.tokenizer)
        else:
            _check_pretrained(args, self.train_set, pretrained)
            _keep_shape(args, pretrained)
            self.tokenizer = pretrained.tokenizer
            for texts in (self.train_set, self.validation_set, self.test_set):
                if texts is not None:
                    texts.has_end = pretrained.generator.config.has_end
        self.encoded = data.encode(self.train_set, self.tokenizer, args.max_length)
        if self.encoded.cut:
            PartialState().print(
                f"{self.encoded.cut} of {self.size:,} texts are longer than {args.max_length} tokens and end there"
                f"{'; --max_length changes that' if pretrained is None else ''}.",
                flush=True,
            )
        if pretrained is not None:
            _tell_unknown(args.pretrained_model_name_or_path, self.encoded.tokens)
        self.validation = self._held_out(self.validation_set)
        generator = self._generator(args, pretrained)
        self.objective = OBJECTIVES[args.objective](args, generator, pretrained)
        if pretrained is not None:
            _tell_left_out(args.pretrained_model_name_or_path, pretrained, self.objective)
        self.generator, self.discriminator = self.objective.generator.train(), self.objective.discriminator

    def _held_out(self, held_out: data.TextSet | None) -> tuple[Tensor, Tensor | None] | None:
        if held_out is None:
            return None
        tokens = data.encode(held_out, self.tokenizer, self.args.max_length).tokens
        return tokens, held_out.classes(torch.arange(len(held_out)))

    def _generator(self, args: argparse.Namespace, pretrained: TextPipeline | None) -> TextGenerator:
        """A new network, or that of an earlier model, with its classes matched by name."""
        names = self.train_set.label_names or []
        if pretrained is not None:
            old = pretrained.generator
            generator = TextGenerator.from_config(old.config, num_classes=len(names))
            known, wanted = ([labels] if labels else [] for labels in (pretrained.labels, names))

            def likeliest(_: int, some: Tensor) -> int:
                """The class that texts are most likely to belong to."""
                belonging = (torch.full((len(some),), place) for place in range(old.config.num_classes))
                return int(torch.stack([nll(old, None, self.encoded.tokens[some], k) for k in belonging]).argmin())

            begin = starts(known, wanted, self.train_set.classes(torch.arange(self.size)), likeliest)
            generator.load_state_dict(matched(old.state_dict(), [old.config.num_classes], begin, CLASS_AXIS))
        else:
            generator = TextGenerator(
                vocab_size=self.tokenizer.get_vocab_size(),
                max_length=args.max_length,
                num_classes=len(names),
                has_end=self.train_set.has_end,
                **{name: getattr(args, name) for name in SHAPE},
            )
        tokens = self.encoded.tokens
        counts = tokens[tokens != IGNORED].bincount(minlength=generator.config.vocab_size).float()
        generator.set_frequencies(counts, initialise=pretrained is None)
        return generator

    def batch(self, indices: Tensor, random: StepRandom) -> Batch:
        # Dropout and its like draw from the global state: like all else, a function of seed, step and process.
        torch.manual_seed(int(random.uniform(1)[0] * 2**31) + random.rank)
        tokens = self.encoded.tokens[indices]
        used = int((tokens != IGNORED).sum(1).max())
        return {"tokens": tokens[:, :used], "labels": self.train_set.classes(indices)}

    def validate(self, generator: nn.Module) -> float | None:
        return None if self.validation is None else self.objective.validate(generator, *self.validation)

    def pipeline(self, generator: nn.Module, discriminator: nn.Module | None) -> TextPipeline:
        parts = self.objective.components(generator, discriminator, *(self.validation or (None, None)))
        return TextPipeline(
            parts[0], parts[1], self.train_set.label_names, critic_strength=parts[2], tokenizer=self.tokenizer
        )

    def dataset_record(self) -> dict[str, Any]:
        return {
            "name": self.train_set.name,
            "split": self.train_set.split,
            "texts": len(self.train_set),
            "cut": self.encoded.cut,
            "license": self.train_set.license,
            "fingerprint": self.train_set.fingerprint(),
        }

    def preview(self, pipeline: TextPipeline, path: Path) -> Path:
        texts = pipeline(seed=0, num_samples=16).texts
        path.with_suffix(".txt").write_text(joined(texts) + "\n", encoding="utf-8")
        file = path.with_suffix(".png")
        text_sheet(texts).save(file)
        return file

    def evaluate(self, pipeline: TextPipeline) -> dict[str, Any]:
        if self.test_set is None:
            PartialState().print("There are too few texts to hold some out, so nothing is measured.", flush=True)
            return {"metrics": []}
        return metrics.evaluate(pipeline, self.train_set, self.test_set)


def _check_pretrained(args: argparse.Namespace, train_set: data.TextSet, pretrained: TextPipeline) -> None:
    source, length = args.pretrained_model_name_or_path, pretrained.generator.config.max_length
    if args.max_length not in (None, length):
        raise GANError(
            f"{source} writes up to {length} tokens, so training cannot go on from it with another length; leave "
            f"--max_length out, or train from scratch."
        )
    check_labelled(source, pretrained.labels, train_set.label_names, "texts")
    if args.objective != "mle" and pretrained.labels != train_set.label_names:
        raise GANError(
            f"{source} knows the classes {', '.join(pretrained.labels or [])}, and the data has "
            f"{', '.join(train_set.label_names or [])}, in this order; fine-tune with --objective mle first."
        )


def _keep_shape(args: argparse.Namespace, pretrained: TextPipeline) -> None:
    """Makes the flags, which become part of the record, those of the model that training goes on from."""
    config = pretrained.generator.config
    args.max_length = config.max_length
    if args.objective == "ratio":
        return  # they are the critic's there
    kept = {name: config[name] for name in SHAPE if config[name] != getattr(args, name)}
    vars(args).update(kept)
    if kept:
        words = ", ".join(f"{name} {value}" for name, value in kept.items())
        PartialState().print(f"{args.pretrained_model_name_or_path} keeps what it was made with: {words}.", flush=True)


def _tell_unknown(source: str, tokens: Tensor) -> None:
    """Says how much of the texts (n, length) a model cannot spell; refuses where that is all."""
    unknown, spelt = tokens == UNKNOWN, tokens > END
    count, total = int(unknown.sum()), int(spelt.sum())
    if count == total:
        raise GANError(
            f"{source} has no token for anything in the data, so it can learn nothing of it; train from scratch."
        )
    if count:
        PartialState().print(
            f"{source} has no token for {count:,} of {total:,} words or characters ({100 * count / total:.1f} %), in "
            f"{int(unknown.any(1).sum()):,} of {len(tokens):,} texts; it will never write them.",
            flush=True,
        )


def _tell_left_out(source: str, pretrained: TextPipeline, objective: TextObjective) -> None:
    """Says that the discriminator of the earlier model won't be part of the new one, if that is so."""
    if pretrained.discriminator is None or isinstance(pretrained.discriminator, objective.reuses):
        return
    called, remedy = ("critic", "; --objective ratio trains another") if pretrained.critic else ("discriminator", "")
    PartialState().print(
        f"The {called} of {source} judges what that model writes, so it is left out{remedy}.", flush=True
    )
