"""Classes are found by name."""

from gan.labels import class_indices, label_index
from gan.training.class_transfer import by_name


def test_the_very_name_comes_first() -> None:
    assert [label_index(name, ["A", "a", "Cat"]) for name in ("a", "A", "cAT", "dog")] == [1, 0, 2, None]


def test_classes_that_differ_in_case_are_two() -> None:  # letters, as EMNIST has them
    assert class_indices(["A", "a"], ["a", "A"], "letters").tolist() == [1, 0]
    assert by_name(["A", "a"], ["a", "A", "b"]) == [1, 0, None]
