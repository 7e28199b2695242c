"""Types of arguments, and what a record keeps of a command line."""

import argparse

import pytest

from gan.cli import decay, positive_float, positive_int, whole_number, without_folders, without_token


@pytest.mark.parametrize(
    ("function", "good", "bad"),
    [
        (positive_int, {"1": 1, "64": 64}, ["0", "-2", "1.5", "", "one"]),
        (whole_number, {"0": 0, "3": 3}, ["-1", "0.5", ""]),
        (positive_float, {"1e-4": 1e-4, "3": 3.0}, ["0", "-1", "nan", "inf", ""]),
        (decay, {"0": 0.0, "0.99": 0.99}, ["1", "-0.1", "nan", ""]),
    ],
)
def test_number_types(function: type, good: dict[str, float], bad: list[str]) -> None:
    for text, value in good.items():
        assert function(text) == value
    for text in bad:
        with pytest.raises((ValueError, argparse.ArgumentTypeError)):
            function(text)


def test_no_record_keeps_a_token() -> None:
    words = ["train.py", "image", "--hub_token", "hf_secret", "--push_to_hub", "--hub_token=hf_secret"]
    assert without_token(words) == ["train.py", "image", "--push_to_hub"]


def test_a_record_keeps_no_folders_of_the_machine() -> None:
    assert without_folders("/home/me/pictures") == "pictures"
    assert without_folders("--train_data_dir=/home/me/pictures") == "--train_data_dir=pictures"
    assert without_folders("--learning_rate=1e-3") == "--learning_rate=1e-3"
    assert without_folders("pictures/cats") == "pictures/cats"
    assert without_folders("user/model") == "user/model"
