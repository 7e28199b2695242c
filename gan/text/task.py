"""What text brings to the training loop."""

import argparse
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from tokenizers import Tokenizer
from torch import Tensor, nn

from gan.cli import decay, expanded_path, positive_float, positive_int
from gan.data import add_label_arguments
from gan.errors import GANError
from gan.text import data, metrics
from gan.text.autoencoder import encoded
from gan.text.likelihood import nll
from gan.text.networks import ARCHITECTURES, CLASS_AXIS, SHAPE, TextGenerator
from gan.text.objectives import CRITIC_LOSSES, OBJECTIVES, TextObjective
from gan.text.pipeline import TextPipeline, joined
from gan.text.plots import text_sheet
from gan.text.preprocessing import LONG, UNITS
from gan.text.tokenizer import END, IGNORED, KINDS, UNKNOWN, kind_of
from gan.training.arguments import OF_PENALTIES, add_directions_argument
from gan.training.class_transfer import matched, starts
from gan.training.randomness import StepRandom
from gan.training.task import Batch, ObjectiveTask, load_pretrained
from gan.utils.subsets import fixed_random_subset

LATENT_OBJECTIVES = tuple(name for name, objective in OBJECTIVES.items() if objective.has_latent)
NORMALISED = ("daae", "aae", "ae")  # whose encoder gives no variance
OBJECTIVE_FLAGS: dict[str, dict[str, Any]] = {  # by flag, the objectives that it belongs to, each with its default
    "critic_loss": {"ratio": "bound"},
    "rollouts": {"seqgan": 4},
    "beta_max": {"relgan": 100.0},
    "latent_dim": dict.fromkeys(LATENT_OBJECTIVES),  # see `_set_shape`, like the next
    "latent_tokens": dict.fromkeys(LATENT_OBJECTIVES),
    "normalise_latents": dict.fromkeys(NORMALISED),  # see `TextTask`
    "latent_noise": dict.fromkeys(NORMALISED, 0.0),
    "word_dropping": {"daae": 0.3},
    "adversarial_weight": {"daae": 1.0, "aae": 1.0},
    "kl_weight": {"vae": 1.0},
    "free_bits": {"vae": 0.25},
}
VOCAB_SIZE, PATIENCE, LATENT_DIM = 8_000, 10, 64
SAMPLE = 4_096  # training texts that statistics are taken of
# Of new networks. Those of a model that is fine-tuned keep their own.
SHAPE_DEFAULTS = {"architecture": "lstm", "embedding_size": 256, "hidden_size": 256, "num_layers": 1, "num_heads": 4}
SHAPE_DEFAULTS |= {"dropout": 0.5, "noise": 0.1, "tied": True}
LATENT_DEFAULTS = {"latent_dim": LATENT_DIM, "latent_tokens": 1}


class TextTask(ObjectiveTask):
    """Text: a small language model, adversarial refinements of it, or an autoencoder that gives it a latent."""

    unit = "texts"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the flags for text."""
        _add_objective_arguments(parser.add_argument_group("objective"))
        _add_data_arguments(parser.add_argument_group("text"))
        _add_network_arguments(parser.add_argument_group("networks"))
        parser.set_defaults(
            train_batch_size=64,
            learning_rate=None,  # the objective's own, like the next two
            adam_beta2=None,
            discriminator_steps=None,
            adam_weight_decay=0.01,
            validation_steps=200,
            max_train_steps=4000,
        )

    @staticmethod
    def unused_flags(args: argparse.Namespace) -> dict[str, str]:
        unused, objective = {}, f"--objective {args.objective}"
        if not OBJECTIVES[args.objective].validates:
            unused["--patience"] = f"counts validations, and {objective} has none"
        if OBJECTIVES[args.objective].adversarial:
            unused |= dict.fromkeys(OF_PENALTIES, f"is about R1 and R2 penalties, and {objective} has none")
        if not OBJECTIVES[args.objective].has_latent:
            of_latents = f"is about directions of a latent, and {objective} has none"
            unused |= dict.fromkeys(("--directions", "--no-directions"), of_latents)
        is_new = not args.pretrained_model_name_or_path or args.objective == "ratio"
        if is_new and args.architecture in (None, "lstm"):
            unused["--num_heads"] = "is about attention, and --architecture lstm has none"
        if args.train_data_dir is not None and not data.is_table(args.train_data_dir):
            unused["--text_column"] = unused["--streaming"] = "is for data sets and tables, not for folders of text"
        elif args.train_data_dir is None and args.dataset_name in data.BUILT_IN:
            names = ["text_column", "label_column", "streaming", "text_unit"]
            names += ["dataset_config_name"] if args.dataset_name == "verses" else ["tokens", "vocab_size"]
            names += [] if args.dataset_name == "verses" else ["window_length"]
            unused |= {f"--{name}": f"means nothing to the built-in {args.dataset_name}" for name in names}
        return unused

    def __init__(self, args: argparse.Namespace):
        asked_patience = args.patience
        _set_objective_defaults(args)
        self.args = args
        pretrained = load_pretrained(args, TextPipeline)
        if pretrained is not None:
            _check_latent(args, pretrained)
        _set_shape(args, pretrained)
        if args.objective in NORMALISED and args.normalise_latents is None:
            args.normalise_latents = pretrained is None or _was_normalised(pretrained)
        _set_token_defaults(args, pretrained)
        splits = data.load(args)
        if asked_patience and splits.validation is None:
            raise GANError(
                f"--patience counts validations, and {len(splits.train)} texts are too few to hold some out; leave it "
                f"out."
            )
        self.train_set, self.validation_set, self.test_set = splits.train, splits.validation, splits.test
        self.report, self.size = splits.report, len(splits.train)
        if pretrained is not None:
            _check_pretrained(args, self.train_set, pretrained)
            args.max_length = pretrained.generator.config.max_length
            for texts in (self.train_set, self.validation_set, self.test_set):
                if texts is not None:
                    texts.has_end = pretrained.generator.config.has_end
        self.tokenizer = _tokenizer(args, self.train_set, pretrained)
        args.max_length = args.max_length or data.natural_length(self.train_set, self.tokenizer)
        self.encoded = data.encode(self.train_set, self.tokenizer, args.max_length)
        _print_cut(self.encoded, args.max_length, pretrained is None)
        self.validation = self._encoded_with_classes(self.validation_set)
        if pretrained is None:
            generator = self._new_generator()
        else:
            _print_unknown(args.pretrained_model_name_or_path, self.encoded.tokens)
            generator = self._pretrained_generator(pretrained)
        tokens = self.encoded.tokens
        counts = tokens[tokens != IGNORED].bincount(minlength=generator.config.vocab_size).float()
        generator.set_frequencies(counts, initialise=pretrained is None)
        self.objective = OBJECTIVES[args.objective](args, generator, pretrained)
        self.objective.training_texts = tokens[fixed_random_subset(len(tokens), SAMPLE)]
        if pretrained is not None:
            _print_dropped(args.pretrained_model_name_or_path, pretrained, self.objective)
        self.generator, self.discriminator = self.objective.generator.train(), self.objective.discriminator

    def _encoded_with_classes(self, texts: data.TextSet | None) -> tuple[Tensor, Tensor | None] | None:
        if texts is None:
            return None
        tokens = data.encode(texts, self.tokenizer, self.args.max_length).tokens
        return tokens, texts.classes(torch.arange(len(texts)))

    def _new_generator(self) -> TextGenerator:
        return TextGenerator(
            vocab_size=self.tokenizer.get_vocab_size(),
            max_length=self.args.max_length,
            num_classes=len(self.train_set.label_names or []),
            has_end=self.train_set.has_end,
            latent_dim=self.args.latent_dim or 0,
            latent_tokens=self.args.latent_tokens or 1,
            **{name: getattr(self.args, name) for name in SHAPE},
        )

    def _pretrained_generator(self, pretrained: TextPipeline) -> TextGenerator:
        """The generator of the model that is fine-tuned, with its classes matched by name."""
        old, names = pretrained.generator, self.train_set.label_names or []
        generator = TextGenerator.from_config(old.config, num_classes=len(names))
        known, wanted = ([labels] if labels else [] for labels in (pretrained.labels, names))

        def likeliest(_: int, members: Tensor) -> int:
            """The old class under which the texts of a new class have the highest likelihood."""
            classes = (torch.full((len(members),), k) for k in range(old.config.num_classes))
            tokens = self.encoded.tokens[members]
            latents = None if pretrained.encoder is None else encoded(pretrained.encoder, tokens)
            return int(torch.stack([nll(old, None, tokens, k, latents=latents) for k in classes]).argmin())

        begin = starts(known, wanted, self.train_set.classes(torch.arange(self.size)), likeliest)
        weights = old.state_dict()
        if known and not wanted:
            weights = _without_classes(weights)
        elif wanted and not known:  # without effect at first
            weights["embed_class.weight"] = torch.zeros(len(names), old.config.embedding_size)
        else:
            weights = matched(weights, [old.config.num_classes], begin, CLASS_AXIS)
        generator.load_state_dict(weights)
        return generator

    def batch(self, indices: Tensor, random: StepRandom) -> Batch:
        # Dropout, input noise and roll-outs draw from the global state, which is a function of seed, step and process.
        torch.manual_seed(int(random.uniform(1)[0] * 2**31) + random.rank)
        tokens = self.encoded.tokens[indices]
        used = int((tokens != IGNORED).sum(1).max())
        return {"tokens": tokens[:, :used], "labels": self.train_set.classes(indices)}

    def validate(self, generator: nn.Module) -> float | None:
        return None if self.validation is None else self.objective.validate(generator, *self.validation)

    def pipeline(self, generator: nn.Module, discriminator: nn.Module | None) -> TextPipeline:
        parts = self.objective.components(generator, discriminator, *(self.validation or (None, None)))
        return TextPipeline(
            parts.generator,
            parts.discriminator,
            self.train_set.label_names,
            critic_strength=parts.critic_strength,
            tokenizer=self.tokenizer,
            encoder=parts.encoder,
        )

    def dataset_record(self) -> dict[str, Any]:
        return {
            "name": self.train_set.name,
            "split": self.train_set.split,
            "texts": len(self.train_set),
            "text_unit": self.args.text_unit,
            "cut": self.encoded.cut,
            "license": self.train_set.license,
            "fingerprint": self.train_set.fingerprint(),
            "report": self.report.record(),
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


def _add_objective_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--objective",
        choices=tuple(OBJECTIVES),
        default="mle",
        help="maximum likelihood, or what starts from a model of it: a critic that refines every next token (ratio), "
        "generator and critic distilled into one network (distil), or a classic adversarial objective (seqgan, "
        "relgan); or text with a latent: an adversarial autoencoder, which is denoising (daae) or not (aae), a "
        "variational one (vae) or a plain one (ae). The learning rate is 2e-3 by default, 1e-4 for seqgan and relgan",
    )
    group.add_argument("--critic_loss", choices=CRITIC_LOSSES, help="of the critic (ratio; default: bound)")
    group.add_argument(
        "--rollouts", type=positive_int, help="for the reward of every token (seqgan; default: 4; published: 16)"
    )
    group.add_argument("--beta_max", type=positive_float, help="inverse temperature at the end (relgan; default: 100)")
    group.add_argument(
        "--latent_dim",
        type=positive_int,
        help=f"numbers in a latent (autoencoders; default: {LATENT_DIM})",
    )
    group.add_argument(
        "--latent_tokens",
        type=positive_int,
        help="equal parts of a latent, among which attention chooses at every place of a text: long texts that fall "
        "into parts, as poems into verses, are learnt much sooner (autoencoders; default: 1)",
    )
    group.add_argument(
        "--normalise_latents",
        action=argparse.BooleanOptionalAction,
        help="give latents the mean and variances of the prior by batch normalisation while training (daae, aae, ae; "
        "by default, but for a model that was trained without)",
    )
    group.add_argument(
        "--word_dropping",
        type=decay,
        help="probability that the encoder misses a word in training (daae; default: 0.3)",
    )
    group.add_argument(
        "--latent_noise", type=decay, help="standard deviation of what training adds to latents (aae, daae, ae)"
    )
    group.add_argument(
        "--adversarial_weight",
        type=positive_float,
        help="of fooling the discriminator of latents, against nats a token of reconstruction (aae, daae; default: 1)",
    )
    group.add_argument("--kl_weight", type=positive_float, help="of the KL divergence (vae; default: 1, the bound)")
    group.add_argument(
        "--free_bits", type=decay, help="nats of it that each number of the latent has free (vae; default: 0.25)"
    )
    add_directions_argument(group, "texts with a latent")


def _add_data_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--dataset_name",
        type=expanded_path,
        default="verses",
        help=f"a Hub id, a local folder laid out as one, a table, or built in: {', '.join(data.BUILT_IN)}",
    )
    group.add_argument(
        "--text_column",
        help=f"column with the texts; by default the first there is of {', '.join(data.TEXT_COLUMNS)}",
    )
    group.add_argument(
        "--label_column", help="column with the classes; by default `label`, or the one that is usually called so"
    )
    group.add_argument("--unconditional", action="store_true", help="train without classes")
    add_label_arguments(group)
    group.add_argument(
        "--text_unit",
        choices=UNITS,
        default="line",
        help="what one text is: a line, without the blanks around it; a paragraph, lines between empty ones; a file. "
        "The latter two keep line breaks and indentation (default: line)",
    )
    group.add_argument(
        "--window_length",
        type=positive_int,
        help=f"texts of more than {LONG} times as many tokens, such as books, are cut into windows of at most so many "
        f"(default: --max_length, or {data.MAX_LENGTH})",
    )
    group.add_argument(
        "--tokens",
        choices=KINDS,
        help="of the vocabulary (default: words; bpe, which keeps line breaks, beyond lines)",
    )
    group.add_argument("--vocab_size", type=positive_int, help=f"largest number of tokens (default: {VOCAB_SIZE})")
    group.add_argument(
        "--max_length", type=positive_int, help="tokens of a text; longer ones are cut; default: 99.5 %% fit"
    )


def _add_network_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--architecture", choices=ARCHITECTURES, help="of the generator" + _usual("architecture"))
    group.add_argument("--embedding_size", type=positive_int, help="features of a token" + _usual("embedding_size"))
    group.add_argument("--hidden_size", type=positive_int, help="features of a layer" + _usual("hidden_size"))
    group.add_argument(
        "--tied",
        action=argparse.BooleanOptionalAction,
        help="input and output share their embedding" + _usual("tied"),
    )
    group.add_argument("--num_layers", type=positive_int, help="of the generator" + _usual("num_layers"))
    group.add_argument(
        "--num_heads", type=positive_int, help="of attention (transformer, memory)" + _usual("num_heads")
    )
    group.add_argument("--dropout", type=decay, help="probability in training" + _usual("dropout"))
    group.add_argument(
        "--noise",
        type=decay,
        help="probability that training replaces an input token by a random one" + _usual("noise"),
    )


def _usual(name: str) -> str:
    """Of a flag whose default is filled in later, for its help."""
    return f" (default: {SHAPE_DEFAULTS[name]})"


def _set_objective_defaults(args: argparse.Namespace) -> None:
    """Completes the flags with the objective's own defaults.

    Raises:
        GANError: for a flag of another objective.
    """
    if args.num_train_epochs is not None:
        args.max_train_steps = None
    objective = OBJECTIVES[args.objective]
    if args.patience is None and objective.validates:
        args.patience = PATIENCE
    for name in ("learning_rate", "discriminator_steps", "max_grad_norm"):
        setattr(args, name, getattr(args, name) or getattr(objective, name))
    betas = zip((args.adam_beta1, args.adam_beta2), objective.adam_betas)
    args.adam_beta1, args.adam_beta2 = (default if asked is None else asked for asked, default in betas)
    for name, defaults in OBJECTIVE_FLAGS.items():
        if getattr(args, name) is None:
            setattr(args, name, defaults.get(args.objective))
        elif args.objective not in defaults:
            raise GANError(
                f"--{name} belongs to --objective {' or '.join(defaults)}; leave it out with --objective "
                f"{args.objective}."
            )


def _set_token_defaults(args: argparse.Namespace, pretrained: TextPipeline | None) -> None:
    """Completes the flags about tokens; those of a model that is fine-tuned are kept.

    Raises:
        GANError: where line breaks are asked for, and tokens have none.
    """
    source = args.pretrained_model_name_or_path
    if pretrained is not None:
        kept = {"tokens": kind_of(pretrained.tokenizer), "vocab_size": pretrained.tokenizer.get_vocab_size()}
        for name, value in kept.items():
            if getattr(args, name) not in (None, value):
                raise GANError(f"{source} keeps its vocabulary ({name} {value}); leave --{name} out.")
        vars(args).update(kept)
    args.tokens = args.tokens or ("words" if args.text_unit == "line" else "bpe")
    args.vocab_size = args.vocab_size or VOCAB_SIZE
    if args.window_length is None:
        args.window_length = pretrained.generator.config.max_length if pretrained else args.max_length
        args.window_length = args.window_length or data.MAX_LENGTH
    if args.tokens == "words" and args.text_unit != "line":
        raise GANError(
            f"{f'{source} splits texts into words, which' if pretrained else '--tokens words'} leave out line breaks "
            f"and indentation; {'fine-tune with' if pretrained else 'choose --tokens bpe or characters, or'} "
            f"--text_unit line."
        )


def _tokenizer(args: argparse.Namespace, train_set: data.TextSet, pretrained: TextPipeline | None) -> Tokenizer:
    return pretrained.tokenizer if pretrained else data.learn_tokenizer(train_set, args.tokens, args.vocab_size)


def _check_pretrained(args: argparse.Namespace, train_set: data.TextSet, pretrained: TextPipeline) -> None:
    source, length = args.pretrained_model_name_or_path, pretrained.generator.config.max_length
    if args.max_length not in (None, length):
        raise GANError(
            f"{source} generates up to {length} tokens and cannot be fine-tuned to another length; leave --max_length "
            f"out, or train from scratch."
        )
    matches = args.objective in ("mle", *LATENT_OBJECTIVES)  # what starts from other classes
    if not matches and pretrained.labels != train_set.label_names:
        known, found = (", ".join(labels or ["none"]) for labels in (pretrained.labels, train_set.label_names))
        raise GANError(
            f"{source} knows the classes {known}, and the data has {found}, in this order; fine-tune with --objective "
            f"mle first."
        )


def _check_latent(args: argparse.Namespace, pretrained: TextPipeline) -> None:
    """Raises `GANError` unless a model and the objective that fine-tunes it agree about the latent."""
    source, latent_dim = args.pretrained_model_name_or_path, pretrained.generator.config.latent_dim
    objective = OBJECTIVES[args.objective]
    if latent_dim and not objective.has_latent:
        raise GANError(
            f"{source} has a latent, which --objective {args.objective} does not know; fine-tune it with --objective "
            f"{pretrained.training_record.get('arguments', {}).get('objective', LATENT_OBJECTIVES[0])}."
        )
    if objective.has_latent and not latent_dim:
        raise GANError(
            f"{source} has no latent for --objective {args.objective}; name a model of "
            f"{' or '.join(LATENT_OBJECTIVES)}, or train from scratch."
        )
    if objective.has_latent and pretrained.encoder is None:
        raise GANError(
            f"{source} has no encoder, which --objective {args.objective} trains; name a model that was saved with "
            f"it, or train from scratch."
        )
    if objective.has_latent and pretrained.encoder.config.variational != (args.objective == "vae"):
        raise GANError(
            f"{source} has {'a variational' if args.objective != 'vae' else 'no variational'} encoder, so it cannot "
            f"be fine-tuned with --objective {args.objective}; choose another, or train from scratch."
        )


def _was_normalised(pretrained: TextPipeline) -> bool:
    """Whether a model was trained with normalised latents, to which its generator is used."""
    return bool(pretrained.training_record.get("arguments", {}).get("normalise_latents"))


def _without_classes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a generator without classes: the first bias of what reads tokens, which is its body and the reader of
    latent tokens, has taken over the mean class embedding."""
    mean = weights.pop("embed_class.weight").mean(0)
    for body in ("body", "attention.reader"):
        for layer, bias in (("enter.weight", "enter.bias"), ("lstm.weight_ih_l0", "lstm.bias_ih_l0")):
            weight = weights.get(f"{body}.{layer}")
            if weight is not None:  # what else is read would stand behind the token
                weights[f"{body}.{bias}"] = weights[f"{body}.{bias}"] + weight[:, : len(mean)] @ mean
    return weights


def _set_shape(args: argparse.Namespace, pretrained: TextPipeline | None) -> None:
    """Completes the flags of the networks' shape; a model that is fine-tuned keeps its own.

    Raises:
        GANError: where the command line asks for another.
    """
    known = SHAPE_DEFAULTS | (LATENT_DEFAULTS if args.objective in LATENT_OBJECTIVES else {})
    if pretrained is not None and args.objective != "ratio":  # whose critic is new
        known = {name: pretrained.generator.config[name] for name in SHAPE}
        if pretrained.latent_dim:
            known |= {name: pretrained.generator.config[name] for name in LATENT_DEFAULTS}
        for name, value in known.items():
            if getattr(args, name) not in (None, value):
                raise GANError(
                    f"{args.pretrained_model_name_or_path} keeps its shape ({name} {value}); leave --{name} out, or "
                    f"train from scratch."
                )
    vars(args).update({name: value for name, value in known.items() if getattr(args, name) is None})


def _print_cut(encoded: data.Encoded, max_length: int, can_be_longer: bool) -> None:
    """Prints how many texts are cut off."""
    if encoded.cut:
        PartialState().print(
            f"Longer than {max_length} tokens and cut off there: {encoded.cut:,} of {len(encoded.tokens):,} texts"
            f"{'; --max_length changes that' * can_be_longer}.",
            flush=True,
        )


def _print_unknown(source: str, tokens: Tensor) -> None:
    """Prints how many tokens of the texts (n, length) a model lacks; refuses where it lacks all."""
    unknown = tokens == UNKNOWN
    count, total = int(unknown.sum()), int((tokens > END).sum())
    if count == total:
        raise GANError(
            f"{source} has no token for anything in the data, so it can learn nothing of it; train from scratch."
        )
    if count:
        PartialState().print(
            f"{source} has no token for {count:,} of {total:,} words or characters ({100 * count / total:.1f} %), in "
            f"{int(unknown.any(1).sum()):,} of {len(tokens):,} texts; it cannot generate them.",
            flush=True,
        )


def _print_dropped(source: str, pretrained: TextPipeline, objective: TextObjective) -> None:
    """Prints that the discriminator of the earlier model is not part of the new one, if that is so."""
    if pretrained.discriminator is None or isinstance(pretrained.discriminator, objective.reuses):
        return
    role, remedy = ("critic", "; --objective ratio trains another") if pretrained.critic else ("discriminator", "")
    PartialState().print(
        f"The {role} of {source} was trained against the generator as it was, and is left out{remedy}.", flush=True
    )
