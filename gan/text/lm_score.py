"""A small language model that judges others: what text costs it, when it was fitted to other text.

Fitted to real text it judges what a model writes (LM score: quality). Fitted to what a model writes it judges real
text (reverse LM score: quality and diversity at once, as what the model never writes costs much). Zhao et al. 2018;
Semeniuta et al. 2018; Caccia et al. 2020. All judges have the same shape and are fitted in the same way.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.text.likelihood import inputs
from gan.text.networks import TextGenerator
from gan.text.tokenizer import IGNORED, UNKNOWN
from gan.utils.hardware import native_precision

EMBEDDING, WIDTH = 64, 128
DROPOUT = 0.3
NOISE = 0.1  # of the words before replaced: or texts unlike those it knows would upset it beyond measure
BATCH = 64
LEARNING_RATE = 8e-3
MOST_EPOCHS = 6
HELD_OUT_SHARE = 0.1  # of the texts, to stop by


def fit_language_model(tokens: Tensor, vocab_size: int, has_end: bool = True, seed: int = 0) -> TextGenerator:
    """Fits an LSTM to texts; a tenth of them is set aside, and the weights that did best on it are kept.

    What a model never writes, the token for unknown words, is left out of the judge's vocabulary, too.

    Args:
        tokens: int64 (n, length) of at least two texts, see `gan.text.data.Encoded`.
        has_end: whether texts end by a token.
        seed: of weights, order and dropout; the same texts give the same judge.

    Returns:
        The language model, on the CPU.
    """
    source = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(tokens), generator=source)
    held_out, rest = order.tensor_split([max(1, int(HELD_OUT_SHARE * len(tokens)))])
    with torch.random.fork_rng(), torch.enable_grad():  # weights and dropout draw from global state
        torch.manual_seed(seed)
        judge = TextGenerator(
            vocab_size,
            tokens.shape[1],
            has_end=has_end,
            embedding_size=EMBEDDING,
            hidden_size=WIDTH,
            dropout=DROPOUT,
            noise=NOISE,
        )
        judge.never[UNKNOWN] = True
        targets = _targets(tokens)
        judge.set_frequencies(targets[targets != IGNORED].bincount(minlength=vocab_size).float())
        optimizer = torch.optim.AdamW(judge.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
        best, kept = torch.inf, {}
        for epoch in range(MOST_EPOCHS):
            judge.train()
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - epoch / MOST_EPOCHS)
            for batch in rest[torch.randperm(len(rest), generator=source)].split(BATCH):
                total, count = _cost(judge, tokens[batch])
                if count:
                    optimizer.zero_grad()
                    (total / count).backward()
                    torch.nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
                    optimizer.step()
            found = score(judge, tokens[held_out])
            if found >= best:
                break
            best, kept = found, {name: tensor.clone() for name, tensor in judge.state_dict().items()}
        judge.load_state_dict(kept)
    return judge.eval()


@torch.no_grad()
def score(judge: TextGenerator, tokens: Tensor) -> float:
    """Nats a token that texts (n, length) cost; ends are tokens, unknown words are left out."""
    judge.eval()
    costs = [_cost(judge, batch) for batch in tokens.split(BATCH)]
    return float(sum(total for total, _ in costs)) / max(1, sum(count for _, count in costs))


@torch.no_grad()
def states(judge: TextGenerator, tokens: Tensor) -> Tensor:
    """Texts (n, length) as what the judge has in mind before each of their tokens: (tokens, features) from -1 to 1.

    A Fréchet distance between such states follows Semeniuta et al. 2018 (there: InferSent's sentence vectors), with
    a network that knows nothing but the data at hand. (Averaged over texts, one that is cut off outweighs hundreds.)
    """
    judge.eval()
    found = []
    for batch in tokens.split(BATCH):
        state, _ = judge.body(judge.embed(inputs(batch)), None)
        found.append(state[batch != IGNORED])
    return torch.cat(found)


def _cost(judge: TextGenerator, tokens: Tensor) -> tuple[Tensor, int]:
    """The sum of nats of a batch, and of how many tokens; logits are computed where there is a token only."""
    targets = _targets(tokens)
    counted = targets != IGNORED
    with torch.autocast("cpu", torch.bfloat16, enabled=native_precision() == "bf16"):
        hidden, _ = judge.hidden(inputs(tokens))
        logits = F.linear(hidden[counted], judge.embed.weight)
    logits = logits.float() + judge.bias.masked_fill(judge.never, -torch.inf)
    return F.cross_entropy(logits, targets[counted], reduction="sum"), int(counted.sum())


def _targets(tokens: Tensor) -> Tensor:
    return tokens.masked_fill(tokens == UNKNOWN, IGNORED)
