"""Networks for text: a recurrent language model, a small Transformer and a relational memory under one interface, and
critics shaped like them.

All of them map a prefix to one number for every token that may follow. Given the state that a call returns, the next
call needs the new tokens only, so that sampling costs the same for every token (a hidden state, or cached keys and
values).
"""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError
from gan.text.tokenizer import BEGIN, END, IGNORED, SPECIAL

State = Any  # what a body remembers of the tokens before
ARCHITECTURES = ("lstm", "transformer", "memory")
SHAPE = ("architecture", "embedding_size", "hidden_size", "num_layers", "num_heads", "dropout", "noise", "tied")
CLASS_AXIS = {"embed_class.weight": 0}  # of the weights that tell classes apart
MOST_TOKENS = 2**14  # of a text: seconds of writing


class RecurrentBody(nn.Module):
    """A long short-term memory (Hochreiter & Schmidhuber 1997), with dropout between its layers.

    Args:
        in_features, hidden_size: features of each token in and out.
        num_layers: one above the other.
        dropout: share of features left out between layers.
    """

    batch_axis = 1  # of the tensors in the state: where texts are beside each other

    def __init__(self, in_features: int, hidden_size: int, num_layers: int, dropout: float):
        super().__init__()
        between = dropout if num_layers > 1 else 0.0
        self.lstm = nn.LSTM(in_features, hidden_size, num_layers, batch_first=True, dropout=between)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(n, t, in_features) to (n, t, hidden_size), and the state after the last token."""
        return self.lstm(x, state)


class TransformerBody(nn.Module):
    """A causal Transformer with normalisation before each branch (Vaswani et al. 2017; Radford et al. 2019).

    Args:
        in_features, hidden_size: features of each token in and out.
        num_layers, num_heads: blocks, and attention heads in each.
        max_length: positions there are.
        dropout: share of features left out of each branch.
    """

    batch_axis = 0  # of the tensors in the state

    def __init__(
        self, in_features: int, hidden_size: int, num_layers: int, num_heads: int, max_length: int, dropout: float
    ):
        super().__init__()
        if hidden_size % num_heads:
            raise GANError(f"A hidden size of {hidden_size} cannot be shared out among {num_heads} heads.")
        self.enter = nn.Linear(in_features, hidden_size)
        self.positions = nn.Parameter(torch.randn(max_length, hidden_size) * 0.02)
        self.blocks = nn.ModuleList(_Block(hidden_size, num_heads, num_layers, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(n, t, in_features) to (n, t, hidden_size), and the keys and values of all tokens so far."""
        caches = state or [None] * len(self.blocks)
        before = 0 if state is None else state[0][0].shape[2]
        x = self.enter(x) + self.positions[before : before + x.shape[1]]
        kept = []
        for block, cache in zip(self.blocks, caches):
            x, cache = block(x, cache)
            kept.append(cache)
        return self.norm(x), kept


class _Block(nn.Module):
    def __init__(self, width: int, num_heads: int, depth: int, dropout: float):
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        for branch_end in (self.out, self.down):  # so that depth doesn't raise the variance (Radford et al. 2019)
            nn.init.normal_(branch_end.weight, std=0.02 / (2 * depth) ** 0.5)

    def forward(self, x: Tensor, cache: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        n, t, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        x = x + self._drop(self.out(attended.transpose(1, 2).reshape(n, t, width)))
        return x + self._drop(self.down(F.gelu(self.up(self.norm2(x))))), (k, v)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class TextGenerator(ModelMixin, ConfigMixin):
    """A language model: the logits of the token that follows each prefix.

    Args:
        vocab_size: tokens, the special ones (`gan.text.tokenizer`) among them.
        max_length: most tokens of a sample, its end not counted.
        num_classes: 0 for an unconditional model.
        has_end: whether samples end by a token; without, all of them are `max_length` long.
        architecture: "lstm", "transformer" or "memory" (`gan.text.networks`).
        embedding_size: features of a token.
        hidden_size: features of the body; projected to `embedding_size` before the logits, where these are tied.
        num_layers: of the body.
        num_heads: of attention, for the Transformer and the memory.
        dropout: share of features left out in training, before the logits and within the body.
        tied: whether input and output share their embedding; if not, they tell more apart and need more data.
        noise: share of input tokens that training replaces by random ones, drawn as often as they are in the data,
            which smooths as interpolation with lower orders does in n-gram models (Xie et al. 2017).

    Raises:
        GANError: for a shape that cannot be built.
    """

    @register_to_config
    def __init__(
        self,
        vocab_size: int,
        max_length: int,
        num_classes: int = 0,
        has_end: bool = True,
        architecture: str = "lstm",
        embedding_size: int = 128,
        hidden_size: int = 256,
        num_layers: int = 1,
        num_heads: int = 4,
        dropout: float = 0.5,
        noise: float = 0.0,
        tied: bool = True,
    ):
        super().__init__()
        if not 1 <= max_length <= MOST_TOKENS:
            raise GANError(f"A text of {max_length} tokens cannot be written; 1 to {MOST_TOKENS} can.")
        if dropout >= 1 or noise > 1:
            raise GANError(f"A dropout of {dropout} and noise of {noise} leave nothing; they are shares.")
        self.embed = nn.Embedding(vocab_size, embedding_size)
        nn.init.normal_(self.embed.weight, std=embedding_size**-0.5)
        self.embed_class = nn.Embedding(num_classes, embedding_size) if num_classes else None
        if architecture == "lstm":
            self.body: nn.Module = RecurrentBody(embedding_size, hidden_size, num_layers, dropout)
        elif architecture == "transformer":
            self.body = TransformerBody(
                embedding_size, hidden_size, num_layers, num_heads, max_length + has_end, dropout
            )
        elif architecture == "memory":
            self.body = MemoryBody(embedding_size, hidden_size, num_layers, num_heads)
        else:
            raise GANError(f"There is no architecture {architecture!r}; choose {' or '.join(ARCHITECTURES)}.")
        self.project = nn.Linear(hidden_size, embedding_size) if tied else nn.Identity()
        self.output = None if tied else nn.Parameter(torch.randn(vocab_size, hidden_size) * 0.5 * hidden_size**-0.5)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        never = torch.zeros(vocab_size, dtype=torch.bool)
        never[[BEGIN] if has_end else [BEGIN, END]] = True
        self.register_buffer("never", never, persistent=False)
        self.register_buffer("frequencies", torch.full((vocab_size,), 1 / vocab_size), persistent=False)

    def set_frequencies(self, counts: Tensor, start: bool = True) -> None:
        """Tells how often each token (vocab_size,) is in the data: `noise` is drawn so, and the logits start there.

        Args:
            start: whether the network is new.
        """
        if start:  # a token that never occurs, as if it had been seen a tenth of a time
            self.bias.data.copy_(((counts + 0.1) / (counts + 0.1).sum()).log())
        words = counts.clone()
        words[: len(SPECIAL)] = 0
        self.frequencies.copy_(words / words.sum())

    def hidden(self, tokens: Tensor, classes: Tensor | None = None, state: State = None) -> tuple[Tensor, State]:
        """What the logits are a product of: (n, t, features), and the state. Arguments as in `forward`."""
        if self.training and self.config.noise:
            drawn = torch.multinomial(self.frequencies, tokens.numel(), replacement=True).view_as(tokens)
            replaced = (torch.rand(tokens.shape, device=tokens.device) < self.config.noise) & (tokens != BEGIN)
            tokens = torch.where(replaced, drawn, tokens)
        x = self.embed(tokens)
        if self.embed_class is not None:
            x = x + self.embed_class(classes)[:, None]
        x, state = self.body(x, state)
        return self.project(F.dropout(x, self.config.dropout, self.training)), state

    def forward(self, tokens: Tensor, classes: Tensor | None = None, state: State = None) -> tuple[Tensor, State]:
        """
        Args:
            tokens: int64 (n, t), the first of a sample is `BEGIN`.
            classes: int64 (n,), for a conditional model.
            state: what an earlier call returned, to go on from; `None` at the beginning.

        Returns:
            Logits (n, t, vocab_size) of the token after each, float32, minus infinity where none may stand; the state.
        """
        hidden, state = self.hidden(tokens, classes, state)
        weight = self.embed.weight if self.output is None else self.output
        logits = F.linear(hidden, weight).float() + self.bias
        return logits.masked_fill(self.never, -torch.inf), state


class TextDiscriminator(TextGenerator):
    """A critic shaped like a language model q. Against a generator p it gives every token the log ratio
    f = log q - log p, and sigmoid(f) is the discriminator's belief that the token is real rather than generated (as in
    DGSAN, Li et al. 2019, where the discriminator is such a ratio, too).

    Args: those of `TextGenerator`.
    """


FORGET_BIAS = 1.0  # of the gate that keeps what is remembered


class MemoryBody(nn.Module):
    """A memory of one slot that attends to itself and to the new token, and changes as far as its gates allow.

    With M the memory and x the token: M' = tanh of attention of M over [M; x], with residuals, normalisation and a
    perceptron as in a Transformer; then M <- sigmoid(i) M' + sigmoid(f) M with gates from x and tanh M. The published
    core has as many slots as one likes; RelGAN's best has one, which is what this is.

    Args:
        in_features, hidden_size: features of each token in, and of the memory, which is the output.
        num_layers: attention blocks a token, sharing nothing.
        num_heads: of attention.

    Raises:
        GANError: for heads that don't share the memory out evenly.
    """

    batch_axis = 0  # of the state

    def __init__(self, in_features: int, hidden_size: int, num_layers: int, num_heads: int):
        super().__init__()
        if hidden_size % num_heads:
            raise GANError(f"A hidden size of {hidden_size} cannot be shared out among {num_heads} heads.")
        self.enter = nn.Linear(in_features, hidden_size)
        self.blocks = nn.ModuleList(_Attention(hidden_size, num_heads) for _ in range(num_layers))
        self.gate_input = nn.Linear(hidden_size, 2 * hidden_size)
        self.gate_memory = nn.Linear(hidden_size, 2 * hidden_size, bias=False)
        self.register_buffer("first", F.one_hot(torch.tensor(0), hidden_size).float(), persistent=False)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(n, t, in_features) to (n, t, hidden_size), and the memory (n, hidden_size) after the last token."""
        memory = self.first.to(x.dtype).expand(len(x), -1) if state is None else state
        entered = self.enter(x)
        gates_of_input = self.gate_input(entered)
        remembered = []
        for token, gates in zip(entered.unbind(1), gates_of_input.unbind(1)):
            attended = memory
            for block in self.blocks:
                attended = block(attended, token)
            open_in, keep = (gates + self.gate_memory(memory.tanh())).chunk(2, dim=-1)
            memory = open_in.sigmoid() * attended.tanh() + (keep + FORGET_BIAS).sigmoid() * memory
            remembered.append(memory)
        return torch.stack(remembered, dim=1), memory


class _Attention(nn.Module):
    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.perceptron = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, memory: Tensor, token: Tensor) -> Tensor:
        """(n, width) memory and token to (n, width)."""
        n, width = memory.shape
        both = torch.stack([memory, token.to(memory.dtype)], dim=1)
        q = self.query(memory).view(n, 1, self.num_heads, -1).transpose(1, 2)
        k, v = self.key_value(both).view(n, 2, 2, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, width)
        memory = self.norm1(memory + attended)
        return self.norm2(memory + self.perceptron(memory))


class SequenceDiscriminator(ModelMixin, ConfigMixin):
    """Convolutions of several widths over a text, the largest response of each anywhere, a highway and a dropout
    (Kim 2014; Zhang & LeCun 2015; as in SeqGAN, Yu et al. 2017).

    With several representations the text is embedded as often, each a small embedding of its own that goes through the
    same layers and has its own say (RelGAN, Nie et al. 2019).

    Args:
        vocab_size: tokens, the special ones among them.
        length: most tokens of a text, its end counted; shorter ones are filled up with ends.
        num_classes: 0 for an unconditional model.
        widths: of the convolutions, in tokens; those wider than `length` are left out.
        channels: of each convolution. (SeqGAN has 100 to 200, RelGAN 300.)
        embedding_size: features of a token, of all representations together.
        representations: how many.
        dropout: share of features left out in training, before the logit.
    """

    @register_to_config
    def __init__(
        self,
        vocab_size: int,
        length: int,
        num_classes: int = 0,
        widths: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20),
        channels: int = 64,
        embedding_size: int = 64,
        representations: int = 1,
        dropout: float = 0.25,
    ):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embedding_size)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.embed_class = nn.Embedding(num_classes, embedding_size) if num_classes else None
        fitting = [width for width in widths if width <= length] or [length]
        each = embedding_size // representations
        self.convolutions = nn.ModuleList(nn.Conv1d(each, channels, width) for width in fitting)
        features = channels * len(self.convolutions)
        self.highway = nn.Linear(features, 2 * features)
        self.output = nn.Linear(features, 1)

    def forward(self, tokens: Tensor, classes: Tensor | None = None) -> Tensor:
        """
        Args:
            tokens: int64 (n, t), `END` or `IGNORED` from the end of a text on; or float (n, t, vocab_size), a
                distribution over tokens at each place, through which gradients flow.
            classes: int64 (n,), for a conditional model.

        Returns:
            Logits (n, representations), float32, higher where a text looks real.
        """
        if tokens.is_floating_point():
            x = tokens.to(self.embed.weight.dtype) @ self.embed.weight
        else:
            x = self.embed(tokens.masked_fill(tokens == IGNORED, END))
        missing = self.config.length - x.shape[1]
        x = torch.cat([x, self.embed.weight[END].to(x.dtype).expand(len(x), missing, -1)], dim=1)
        if self.embed_class is not None:
            x = x + self.embed_class(classes)[:, None]
        representations = self.config.representations
        x = x.unflatten(2, (representations, -1)).permute(0, 2, 3, 1).flatten(0, 1)  # (n * representations, each, t)
        x = torch.cat([F.relu(convolution(x)).amax(2) for convolution in self.convolutions], dim=1)
        changed, gate = self.highway(x).chunk(2, dim=1)
        x = torch.lerp(x, F.relu(changed), gate.sigmoid())
        return self.output(F.dropout(x, self.config.dropout, self.training)).float().view(-1, representations)
