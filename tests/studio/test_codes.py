"""Codes as a text for addresses."""

import pytest
import torch

from gan import GANError
from gan.studio.codes import codes_text, read_codes


@pytest.mark.parametrize("truncation", [1.0, 0.4])
def test_a_text_keeps_codes(pipeline, truncation):
    codes = pipeline.codes_of(7, label="Bob", truncation=truncation)
    text = codes_text(pipeline, codes)
    assert text.isascii() and not set(text) & set("&?#+/=% ")
    read = read_codes(pipeline, text)
    assert read.shape == codes.shape and torch.allclose(read, codes, atol=1e-3)
    assert codes_text(pipeline, read) == text


@pytest.mark.parametrize("text", ["AAAA", "not codes", "ä", "A"])
def test_what_is_no_text_of_codes_is_refused(pipeline, text):
    with pytest.raises(GANError, match="These codes cannot be read"):
        read_codes(pipeline, text)


def test_codes_of_another_model_are_refused(pipeline, make_pipeline):
    text = codes_text(pipeline, pipeline.codes_of(7))
    with pytest.raises(GANError, match="of another model"):
        read_codes(make_pipeline(resolution=(32, 32)), text)
