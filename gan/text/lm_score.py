"""LM score: how likely texts are under a small language model, the scorer, that was fitted to other texts.

Fitted to real texts it scores generated ones (LM score: quality). Fitted to generated texts it scores real ones
(reverse LM score: quality and diversity at once, as what a model never generates has a low likelihood). Zhao et al.
2018; Semeniuta et al. 2018; Caccia et al. 2020. All scorers have the same shape and are fitted in the same way.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.text.likelihood import inputs
from gan.text.networks import TextGenerator
from gan.text.tokenizer import IGNORED, UNKNOWN
from gan.utils.hardware import native_precision

EMBEDDING_SIZE, HIDDEN_SIZE = 64, 128
DROPOUT = 0.3
NOISE = 0.1  # of input tokens replaced: bounds the loss on texts that are unlike the training ones
BATCH = 64
LEARNING_RATE = 8e-3
MAX_EPOCHS = 6
HELD_OUT_SHARE = 0.1  # of the texts, for early stopping


def fit_scorer(tokens: Tensor, vocab_size: int, has_end: bool = True) -> TextGenerator:
    """Fits an LSTM to texts; a tenth of them is held out, and the weights that did best on it are kept.

    The token for unknown words, which models never sample, is left out of the scorer's vocabulary, too.

    Args:
        tokens: int64 (n, length) of at least two texts, see `gan.text.data.Encoded`.
        has_end: whether texts end by a token.

    Returns:
        The language model, on the CPU; the same texts give the same one.
    """
    source = torch.Generator().manual_seed(0)
    order = torch.randperm(len(tokens), generator=source)
    held_out, rest = order.tensor_split([max(1, int(HELD_OUT_SHARE * len(tokens)))])
    with torch.random.fork_rng(), torch.enable_grad():  # weights and dropout draw from global state
        torch.manual_seed(0)
        scorer = TextGenerator(
            vocab_size,
            tokens.shape[1],
            has_end=has_end,
            embedding_size=EMBEDDING_SIZE,
            hidden_size=HIDDEN_SIZE,
            dropout=DROPOUT,
            noise=NOISE,
        )
        scorer.forbidden[UNKNOWN] = True
        targets = _targets(tokens)
        scorer.set_frequencies(targets[targets != IGNORED].bincount(minlength=vocab_size).float())
        optimizer = torch.optim.AdamW(scorer.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
        best_loss, best_weights = torch.inf, {}
        for epoch in range(MAX_EPOCHS):
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - epoch / MAX_EPOCHS)
            _train_epoch(scorer, optimizer, tokens[rest[torch.randperm(len(rest), generator=source)]])
            loss = score(scorer, tokens[held_out])
            if loss >= best_loss:
                break
            best_loss, best_weights = loss, {name: tensor.clone() for name, tensor in scorer.state_dict().items()}
        scorer.load_state_dict(best_weights)
    return scorer.eval()


def _train_epoch(scorer: TextGenerator, optimizer: torch.optim.Optimizer, tokens: Tensor) -> None:
    scorer.train()
    for batch in tokens.split(BATCH):
        total, count = _nats(scorer, batch)
        if count:
            optimizer.zero_grad()
            (total / count).backward()
            torch.nn.utils.clip_grad_norm_(scorer.parameters(), 1.0)
            optimizer.step()


@torch.no_grad()
def score(scorer: TextGenerator, tokens: Tensor) -> float:
    """NLL of texts (n, length) in nats a token; ends are tokens, unknown words are left out."""
    scorer.eval()
    batches = [_nats(scorer, batch) for batch in tokens.split(BATCH)]
    return float(sum(total for total, _ in batches)) / max(1, sum(count for _, count in batches))


@torch.no_grad()
def scores(scorer: TextGenerator, tokens: Tensor) -> Tensor:
    """`score` of each text (n, length): float32 (n,); 0 for one of unknown words only."""
    scorer.eval()
    found = []
    for batch in tokens.split(BATCH):
        logits, targets = scorer(inputs(batch))[0].flatten(0, 1), _targets(batch)
        nats = F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="none").view_as(batch)
        found.append(nats.sum(1) / (targets != IGNORED).sum(1).clamp(min=1))
    return torch.cat(found)


@torch.no_grad()
def states(scorer: TextGenerator, tokens: Tensor) -> Tensor:
    """The scorer's hidden state before each token of texts (n, length): (tokens, features) from -1 to 1.

    A Fréchet distance between such states follows Semeniuta et al. 2018 (there: InferSent's sentence vectors), with
    a network that has seen nothing but the data at hand. (In states averaged over each text, one that is cut off would
    outweigh hundreds.)
    """
    scorer.eval()
    found = []
    for batch in tokens.split(BATCH):
        state, _ = scorer.body(scorer.embed(inputs(batch)), None)
        found.append(state[batch != IGNORED])
    return torch.cat(found)


def _nats(scorer: TextGenerator, tokens: Tensor) -> tuple[Tensor, int]:
    """The NLL of a batch in nats, and its number of tokens; logits are computed where there is a token only."""
    targets = _targets(tokens)
    counted = targets != IGNORED
    with torch.autocast("cpu", torch.bfloat16, enabled=native_precision() == "bf16"):
        hidden, _ = scorer.hidden(inputs(tokens))
        logits = F.linear(hidden[counted], scorer.embed.weight)
    logits = logits.float() + scorer.bias.masked_fill(scorer.forbidden, -torch.inf)
    return F.cross_entropy(logits, targets[counted], reduction="sum"), int(counted.sum())


def _targets(tokens: Tensor) -> Tensor:
    return tokens.masked_fill(tokens == UNKNOWN, IGNORED)
