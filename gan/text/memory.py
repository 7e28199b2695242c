"""The relational memory core, RelGAN's generator (Santoro et al. 2018; Nie et al. 2019)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.errors import GANError

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
