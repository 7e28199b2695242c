"""Classes are found by name."""

from gan.labels import class_indices, clean_name, label_index, natural_order
from gan.training.class_transfer import by_name


def test_the_very_name_comes_first() -> None:
    assert [label_index(name, ["A", "a", "Cat"]) for name in ("a", "A", "cAT", "dog")] == [1, 0, 2, None]


def test_classes_that_differ_in_case_are_two() -> None:  # letters, as EMNIST has them
    assert class_indices(["A", "a"], ["a", "A"], "letters").tolist() == [1, 0]
    assert by_name(["A", "a"], ["a", "A", "b"]) == [1, 0, None]


def test_names_in_one_form() -> None:
    assert clean_name("  cafe\u0301\t au  lait ") == "café au lait"
    assert clean_name("caf\udce9\x07") == "caf\\xe9\\x07"
    assert clean_name("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"
    assert clean_name(7) == "7" and clean_name(" \n") == ""


def test_natural_order() -> None:
    assert natural_order(["10", "9", "-1", "2.5"]) == ["-1", "2.5", "9", "10"]
    assert natural_order(["page 10", "page 2", "Zoo", "a", "2b"]) == ["2b", "Zoo", "a", "page 2", "page 10"]


def test_names_are_found_in_spite_of_blanks_and_unicode_forms() -> None:
    assert label_index("cafe\u0301", ["tea", "café"]) == 1
    assert label_index("leading", ["other", " leading"]) == 1
