"""The synthetic oracle: data sampled from a random recurrent language model (Yu et al. 2017).

The likelihood of generated texts under the data distribution, which is unknown for real text, is exact here
(NLL_oracle: quality), beside the likelihood of new data under the model (NLL_test: coverage). Either alone says
nothing: sharpening lowers the first and raises the second.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gan.errors import GANError
from gan.text.tokenizer import numbers_tokenizer

VOCABULARY, WIDTH, LENGTH = 5_000, 32, 20  # of the published benchmark
SIZES = {"train": 10_000, "validation": 2_000, "test": 10_000}
SEED = 88
BATCH = 1_000


class Oracle(nn.Module):
    """An LSTM with weights from N(0, 1), as SeqGAN's: words from 0 to 4,999, no end, 20 to a text.

    Args:
        seed: of the weights.
        path: a safetensors file with other weights (of the published oracle, for instance).

    Raises:
        GANError: if the file cannot be read or holds something else.
    """

    def __init__(self, seed: int = SEED, path: str | Path | None = None):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.output = nn.Linear(WIDTH, VOCABULARY)
        if path is None:
            generator = torch.Generator().manual_seed(seed)
            for parameter in self.parameters():
                parameter.data.normal_(generator=generator)
            self.lstm.bias_hh_l0.data.zero_()
        else:
            try:
                weights = load_file(path)
            except (OSError, SafetensorError) as error:
                raise GANError(f"The weights of the oracle, {path}, cannot be read ({error}).") from error
            names = {name if "." in name and "lstm" not in name else f"{name}_l0": name for name in weights}
            try:
                self.load_state_dict({name: weights[stored] for name, stored in names.items()})
            except RuntimeError as error:
                raise GANError(f"{path} does not hold the weights of such an oracle.") from error
        self.requires_grad_(False)

    @torch.inference_mode()
    def sample(self, count: int, seed: int) -> Tensor:
        """Samples texts: int64 (count, LENGTH)."""
        generator = torch.Generator().manual_seed(seed)
        batches = []
        for start in range(0, count, BATCH):
            words, state, text = torch.zeros(min(BATCH, count - start), 1, dtype=torch.int64), None, []
            for _ in range(LENGTH):
                hidden, state = self.lstm(self.embedding(words), state)
                # By inverting the distribution function: `torch.multinomial` draws a random number for every word.
                cumulative = self.output(hidden[:, 0]).softmax(1).cumsum(1)
                thresholds = torch.rand(len(words), 1, generator=generator) * cumulative[:, -1:]
                words = torch.searchsorted(cumulative, thresholds).clamp_(max=VOCABULARY - 1)
                text.append(words)
            batches.append(torch.cat(text, dim=1))
        return torch.cat(batches)

    @torch.inference_mode()
    def nll(self, texts: Tensor) -> float:
        """NLL of texts (n, LENGTH) under this oracle, in nats a word."""
        total = 0.0
        for batch in texts.split(BATCH // 2):
            given = F.pad(batch[:, :-1], (1, 0))  # word 0 is the start token, too
            logits = self.output(self.lstm(self.embedding(given))[0])
            total += float(F.cross_entropy(logits.flatten(0, 1), batch.flatten(), reduction="sum"))
        return total / texts.numel()


def texts(oracle: Oracle | None = None) -> dict[str, dict[str, Any]]:
    """The splits of the benchmark, as fields of `TextSet`: the words are numbers."""
    oracle = oracle or Oracle()
    tokenizer = numbers_tokenizer(VOCABULARY)
    return {
        split: {
            "texts": [" ".join(map(str, row)) for row in oracle.sample(size, seed).tolist()],
            "labels": None,
            "label_names": None,
            "tokenizer": tokenizer,
            "has_end": False,
        }
        for seed, (split, size) in enumerate(SIZES.items())
    }
