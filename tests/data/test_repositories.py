"""Why a data set cannot be loaded, in a sentence."""

import errno

import datasets
import pytest

from gan import GANError
from gan.data import loading


def full_while_generating() -> None:
    try:
        raise OSError(errno.ENOSPC, "No space left on device")
    except OSError as error:
        raise datasets.exceptions.DatasetGenerationError("An error occurred") from error


def full_beforehand() -> None:
    raise OSError("Not enough disk space. Needed: 1 TiB (download: 1 TiB, generated: 1 TiB")


@pytest.mark.parametrize("fail", [full_while_generating, full_beforehand])
@pytest.mark.parametrize(
    ("what", "remedy"), [("pictures", "pictures are not streamed, but kept"), ("texts", "or read it with --streaming")]
)
def test_a_data_set_that_does_not_fit_on_the_disk(fail, what, remedy) -> None:
    said = "user/much does not fit on the disk; name a folder on a larger one"
    with pytest.raises(GANError, match=said) as caught, loading("user/much", what):
        fail()
    assert remedy in str(caught.value)
