"""The discriminator of whole texts, for SeqGAN and RelGAN."""

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.text.tokens import END, IGNORED


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
