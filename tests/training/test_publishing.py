"""Uploads beside the training."""

import io
import logging
import sys
import threading

import pytest
from huggingface_hub.utils import tqdm as hub_tqdm
from tqdm.auto import tqdm

from gan.training.__main__ import TqdmHandler
from gan.training.publishing import share_tqdm_lock


class Bar(tqdm):
    """As it makes way for a message, a bar of the Hub's client is created in another thread."""

    others: list[tqdm]
    upload: threading.Thread

    def clear(self, nolock: bool = False) -> None:
        super().clear(nolock=nolock)
        self.others = []
        self.upload = threading.Thread(target=lambda: self.others.append(hub_tqdm(file=io.StringIO())))
        self.upload.start()
        self.upload.join(0.3)  # it waits until the message is printed


def test_a_message_and_an_upload_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    share_tqdm_lock()
    with Bar(total=2, file=sys.stderr) as bar:
        tqdm.write("a message", file=sys.stderr)
        bar.upload.join()
    (other,) = bar.others
    other.close()
    assert "a message\n" in sys.stderr.getvalue()


def test_a_message_that_cannot_be_printed_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    TqdmHandler().handle(logging.LogRecord("gan", logging.INFO, "", 0, "a message", None, None))
