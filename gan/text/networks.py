"""Networks for text: language models of three architectures, and discriminators.

`TextGenerator` maps a prefix to a logit for every token that may follow; `TextDiscriminator`, the critic of a density
ratio, has the same shape. Given the state that a call returns, the next call needs the new tokens only, so that every
token costs the same to decode (a hidden state, or cached keys and values). `SequenceDiscriminator` reads whole texts.
"""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError
from gan.text.tokenizer import BEGIN, END, IGNORED, SPECIAL

State = Any  # of a body: its summary of the tokens before
ARCHITECTURES = ("lstm", "transformer", "memory")
SHAPE = ("architecture", "embedding_size", "hidden_size", "num_layers", "num_heads", "dropout", "noise", "tied")
CLASS_AXIS = {"embed_class.weight": 0}  # of the weights that distinguish classes
MAX_TOKENS = 2**14  # of a text: seconds of decoding
FORGET_BIAS = 1.0  # of the memory's forget gate


class TextGenerator(ModelMixin, ConfigMixin):
    """A language model: the logits of the token that follows each prefix.

    Args:
        vocab_size: tokens, the special ones (`gan.text.tokenizer`) among them.
        max_length: largest number of tokens of a sample, its end not counted.
        num_classes: 0 for an unconditional model.
        has_end: whether samples end by a token; without, all of them are `max_length` long.
        architecture: "lstm", "transformer" or "memory": the body, one of the classes below.
        embedding_size: features of a token.
        hidden_size: features of the body; projected to `embedding_size` before the logits, where these are tied.
        num_layers: of the body.
        num_heads: of attention, for the Transformer and the memory.
        dropout: probability in training, before the logits and within the body.
        tied: whether input and output share their embedding (Press & Wolf 2017); untied models have more capacity and
            need more data.
        noise: probability that an input token is replaced in training by a random one, drawn by its frequency in the
            data; it smooths as interpolation with lower orders does in n-gram models (Xie et al. 2017).
        latent_dim: numbers in the latent that the whole text is conditioned on (`gan.text.autoencoder`); 0 for none.
            It stands beside every token that is read, and beside the features that every token is predicted from.
        latent_tokens: parts of the latent, of equal size. With several, attention chooses what stands there: a mean of
            the parts for every place of the text (`LatentAttention`).

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
        latent_dim: int = 0,
        latent_tokens: int = 1,
    ):
        super().__init__()
        if latent_dim % latent_tokens:
            raise GANError(f"A latent of {latent_dim} numbers cannot be divided into {latent_tokens} equal tokens.")
        if not 1 <= max_length <= MAX_TOKENS:
            raise GANError(f"A text of {max_length} tokens cannot be generated; 1 to {MAX_TOKENS} can.")
        if dropout >= 1 or noise > 1:
            raise GANError(f"A dropout of {dropout} and noise of {noise} leave nothing; they are probabilities.")
        self.embed = nn.Embedding(vocab_size, embedding_size)
        nn.init.normal_(self.embed.weight, std=embedding_size**-0.5)
        self.embed_class = nn.Embedding(num_classes, embedding_size) if num_classes else None
        length = max_length + has_end
        width, read = latent_dim // latent_tokens, embedding_size
        self.attention = None
        if latent_tokens > 1:
            half = max(1, hidden_size // 2)
            if architecture != "lstm" and half % num_heads:
                raise GANError(
                    f"What reads latent tokens has half the hidden size, and half of {hidden_size} cannot be divided "
                    f"among {num_heads} heads."
                )
            reader = make_body(architecture, embedding_size, half, 1, num_heads, length, dropout)
            self.attention = LatentAttention(reader, half, latent_tokens)
            read += half
        self.body = make_body(architecture, read + width, hidden_size, num_layers, num_heads, length, dropout)
        features = hidden_size + width
        self.project = nn.Linear(features, embedding_size) if tied else nn.Identity()
        self.output = None if tied else nn.Parameter(torch.randn(vocab_size, features) * 0.5 * features**-0.5)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        forbidden = torch.zeros(vocab_size, dtype=torch.bool)
        forbidden[[BEGIN] if has_end else [BEGIN, END]] = True
        self.register_buffer("forbidden", forbidden, persistent=False)
        self.register_buffer("frequencies", torch.full((vocab_size,), 1 / vocab_size), persistent=False)

    def set_frequencies(self, counts: Tensor, initialise: bool = True) -> None:
        """Sets the frequencies that `noise` is drawn by.

        Args:
            counts: (vocab_size,) of each token in the data.
            initialise: whether to set the bias of the logits to the log frequencies, too, for a new network.
        """
        if initialise:  # a token that never occurs counts as a tenth of an occurrence
            self.bias.data.copy_(((counts + 0.1) / (counts + 0.1).sum()).log())
        words = counts.clone()
        words[: len(SPECIAL)] = 0
        self.frequencies.copy_(words / words.sum())

    def hidden(
        self, tokens: Tensor, classes: Tensor | None = None, state: State = None, latents: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The features (n, t, embedding_size or, untied, those of the body and the latent) before the logits, and the
        state. Arguments as in `forward`."""
        if self.training and self.config.noise:
            drawn = torch.multinomial(self.frequencies, tokens.numel(), replacement=True).view_as(tokens)
            replaced = (torch.rand(tokens.shape, device=tokens.device) < self.config.noise) & (tokens != BEGIN)
            tokens = torch.where(replaced, drawn, tokens)
        x = self.embed(tokens)
        if self.embed_class is not None:
            x = x + self.embed_class(classes)[:, None]
        if self.attention is None:
            told = None if latents is None else latents[:, None].to(x.dtype).expand(-1, x.shape[1], -1)
            x, state = self.body(_joined(x, told), state)
        else:
            of_attention, of_body = state or (None, None)
            x, told, of_attention = self.attention(x, latents, of_attention)
            x, of_body = self.body(_joined(x, told), of_body)
            state = of_attention, of_body
        return self.project(_joined(F.dropout(x, self.config.dropout, self.training), told)), state

    def logits(self, hidden: Tensor) -> Tensor:
        """Features (..., features) of `hidden` to logits (..., vocab_size), as in `forward`."""
        logits = F.linear(hidden, self.embed.weight if self.output is None else self.output).float() + self.bias
        return logits.masked_fill(self.forbidden, -torch.inf)

    def forward(
        self, tokens: Tensor, classes: Tensor | None = None, state: State = None, latents: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """
        Args:
            tokens: int64 (n, t), the first of a sample is `BEGIN`.
            classes: int64 (n,), for a conditional model.
            state: what the call for the tokens before returned; `None` at the beginning.
            latents: (n, latent_dim), for a model with a latent.

        Returns:
            Logits (n, t, vocab_size) of the token after each, float32, minus infinity where none may stand; the state.
        """
        hidden, state = self.hidden(tokens, classes, state, latents)
        return self.logits(hidden), state

    # What `gan.latent.directions` knows a generator by. A text has one layer of codes, which are its latent.

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Classes of the label column, if there is one."""
        return (self.config.num_classes,) if self.config.num_classes else ()

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """(n, latent_dim) to (n, 1, latent_dim)."""
        return truncation * latents[:, None]

    def code_weights(self) -> list[Tensor]:
        """(features * latent_tokens, latent_dim): weights that read the latent, the same for each of its tokens."""
        width = self.config.latent_dim // self.config.latent_tokens
        first = self.body.lstm.weight_ih_l0 if isinstance(self.body, RecurrentBody) else self.body.enter.weight
        last = self.project.weight if self.output is None else self.output
        weights = torch.cat([weight[:, -width:] for weight in (first, last)]).float()
        return [torch.block_diag(*[weights] * self.config.latent_tokens)]


def _joined(features: Tensor, told: Tensor | None) -> Tensor:
    """Features (n, t, width), with what is told of the latent at each place (n, t, numbers) behind."""
    return features if told is None else torch.cat([features, told], dim=2)


class LatentAttention(nn.Module):
    """Which tokens of a latent are told at each place of a text: a small body that reads the text so far gives each
    token its share of a mean (softmax). The shares depend on the order of the tokens, not on what they hold.

    Args:
        reader: a body of the classes below.
        features: of the reader.
        latent_tokens: tokens of a latent.
    """

    def __init__(self, reader: nn.Module, features: int, latent_tokens: int):
        super().__init__()
        self.reader, self.latent_tokens = reader, latent_tokens
        self.to_shares = nn.Linear(features, latent_tokens)

    def forward(self, x: Tensor, latents: Tensor, state: State = None) -> tuple[Tensor, Tensor, State]:
        """Embeddings (n, t, embedding_size) with the reader's features behind them; what is told of latents
        (n, latent_dim) at each place, (n, t, latent_dim / latent_tokens); and the reader's state."""
        read, state = self.reader(x, state)
        shares = self.to_shares(read).softmax(2)
        tokens = latents.to(shares.dtype).unflatten(1, (self.latent_tokens, -1))
        return torch.cat([x, read], dim=2), shares @ tokens, state


class TextDiscriminator(TextGenerator):
    """A critic shaped like a language model q. Against a generator p it gives every token the log ratio
    f = log q - log p, and sigmoid(f) is the discriminator's probability that the token is real rather than generated
    (as in DGSAN, Li et al. 2019, where the discriminator is such a ratio, too).

    Args: those of `TextGenerator`.
    """


class SequenceDiscriminator(ModelMixin, ConfigMixin):
    """A discriminator of whole texts: convolutions of several widths, max pooling over time, a highway layer and
    dropout (Kim 2014; Zhang & LeCun 2015; as in SeqGAN, Yu et al. 2017).

    With several representations there are as many small embeddings of each token, which go through the same layers and
    have a logit each (RelGAN, Nie et al. 2019).

    Args:
        vocab_size: tokens, the special ones among them.
        length: largest number of tokens of a text, its end counted; shorter ones are padded with `END`.
        num_classes: 0 for an unconditional model.
        widths: of the convolutions, in tokens; those wider than `length` are left out.
        channels: of each convolution. (SeqGAN has 100 to 200, RelGAN 300.)
        embedding_size: features of a token, of all representations in sum.
        representations: how many.
        dropout: probability in training, before the logit.
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
        self.convolutions = nn.ModuleList(
            nn.Conv1d(embedding_size // representations, channels, width) for width in fitting
        )
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
        transformed, gate = self.highway(x).chunk(2, dim=1)
        x = torch.lerp(x, F.relu(transformed), gate.sigmoid())
        return self.output(F.dropout(x, self.config.dropout, self.training)).float().view(-1, representations)


def make_body(
    architecture: str,
    in_features: int,
    hidden_size: int,
    num_layers: int,
    num_heads: int,
    max_length: int,
    dropout: float,
) -> nn.Module:
    """What summarises the tokens so far: one of the classes below.

    Args:
        architecture: one of `ARCHITECTURES`; the rest as in `TextGenerator`.
        max_length: number of positions.

    Raises:
        GANError: for a shape that cannot be built.
    """
    if architecture == "lstm":
        return RecurrentBody(in_features, hidden_size, num_layers, dropout)
    if architecture == "transformer":
        return TransformerBody(in_features, hidden_size, num_layers, num_heads, max_length, dropout)
    if architecture == "memory":
        return MemoryBody(in_features, hidden_size, num_layers, num_heads)
    raise GANError(f"There is no architecture {architecture!r}; choose {' or '.join(ARCHITECTURES)}.")


class RecurrentBody(nn.Module):
    """A long short-term memory (Hochreiter & Schmidhuber 1997), with dropout between its layers.

    Args:
        in_features, hidden_size: features of each token in and out.
        num_layers: stacked.
        dropout: probability, between layers.
    """

    batch_axis = 1  # of the tensors in the state

    def __init__(self, in_features: int, hidden_size: int, num_layers: int, dropout: float):
        super().__init__()
        between = dropout if num_layers > 1 else 0.0
        self.lstm = nn.LSTM(in_features, hidden_size, num_layers, batch_first=True, dropout=between)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(n, t, in_features) to (n, t, hidden_size), and the state after the last token."""
        return self.lstm(x, state)


class TransformerBody(nn.Module):
    """A causal Transformer with pre-normalisation (Vaswani et al. 2017; Radford et al. 2019).

    Args:
        in_features, hidden_size: features of each token in and out.
        num_layers, num_heads: blocks, and attention heads in each.
        max_length: number of positions.
        dropout: probability, at the end of each branch.
    """

    batch_axis = 0  # of the tensors in the state

    def __init__(
        self, in_features: int, hidden_size: int, num_layers: int, num_heads: int, max_length: int, dropout: float
    ):
        super().__init__()
        _check_heads(hidden_size, num_heads)
        self.enter = nn.Linear(in_features, hidden_size)
        self.positions = nn.Parameter(torch.randn(max_length, hidden_size) * 0.02)
        self.blocks = nn.ModuleList(
            _TransformerBlock(hidden_size, num_heads, num_layers, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(n, t, in_features) to (n, t, hidden_size), and the keys and values of all tokens so far."""
        caches = state or [None] * len(self.blocks)
        before = 0 if state is None else state[0][0].shape[2]
        x = self.enter(x) + self.positions[before : before + x.shape[1]]
        extended = []
        for block, cache in zip(self.blocks, caches):
            x, cache = block(x, cache)
            extended.append(cache)
        return self.norm(x), extended


class _TransformerBlock(nn.Module):
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


class MemoryBody(nn.Module):
    """A relational memory core of one slot (Santoro et al. 2018), RelGAN's generator: the memory attends to itself and
    to the new token, and is updated through gates.

    With M the memory and x the token: M' = tanh of attention of M over [M; x], with residuals, normalisation and a
    perceptron as in a Transformer; then M <- sigmoid(i) M' + sigmoid(f) M with gates from x and tanh M. The published
    core has any number of slots; RelGAN's best has one.

    Args:
        in_features, hidden_size: features of each token in, and of the memory, which is the output.
        num_layers: attention blocks a token, which share no weights.
        num_heads: of attention.

    Raises:
        GANError: if the memory's features cannot be divided among the heads.
    """

    batch_axis = 0  # of the state

    def __init__(self, in_features: int, hidden_size: int, num_layers: int, num_heads: int):
        super().__init__()
        _check_heads(hidden_size, num_heads)
        self.enter = nn.Linear(in_features, hidden_size)
        self.blocks = nn.ModuleList(_MemoryAttention(hidden_size, num_heads) for _ in range(num_layers))
        self.gate_input = nn.Linear(hidden_size, 2 * hidden_size)
        self.gate_memory = nn.Linear(hidden_size, 2 * hidden_size, bias=False)
        self.register_buffer("first", F.one_hot(torch.tensor(0), hidden_size).float(), persistent=False)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(n, t, in_features) to (n, t, hidden_size), and the memory (n, hidden_size) after the last token."""
        memory = self.first.to(x.dtype).expand(len(x), -1) if state is None else state
        entered = self.enter(x)
        input_gates = self.gate_input(entered)
        memories = []
        for token, gates in zip(entered.unbind(1), input_gates.unbind(1)):
            attended = memory
            for block in self.blocks:
                attended = block(attended, token)
            update, forget = (gates + self.gate_memory(memory.tanh())).chunk(2, dim=-1)
            memory = update.sigmoid() * attended.tanh() + (forget + FORGET_BIAS).sigmoid() * memory
            memories.append(memory)
        return torch.stack(memories, dim=1), memory


class _MemoryAttention(nn.Module):
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


def _check_heads(hidden_size: int, num_heads: int) -> None:
    if hidden_size % num_heads:
        raise GANError(f"A hidden size of {hidden_size} cannot be divided among {num_heads} heads.")
