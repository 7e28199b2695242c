"""Which columns hold classes, and whether these can be classes."""

import pytest
from datasets import ClassLabel, Value

from gan import GANError
from gan.data import DataReport, check_classes, class_names, label_columns
from gan.data.columns import tell_columns


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["img", "label", "class"], ["label"]),
        (["img", "labels"], ["labels"]),
        (["img", "Category"], ["Category"]),
        (["img", "fine_label", "coarse_label"], ["fine_label"]),  # of CIFAR-100
        (["img", "kind"], []),
    ],
)
def test_usual_names(columns: list[str], found: list[str]) -> None:
    assert label_columns(None, columns, "the data set", False) == found
    assert label_columns(None, columns, "the data set", True) == []


def test_several_candidates_are_asked_about() -> None:
    with pytest.raises(GANError, match="several columns of the data set: category, class"):
        label_columns(None, ["img", "category", "class"], "the data set", False)
    with pytest.raises(GANError, match="breed, category"):
        label_columns(None, ["img", "breed", "category"], "the data set", False, ["breed"])
    assert label_columns(["class"], ["img", "category", "class"], "the data set", False) == ["class"]


def test_what_was_taken_is_said() -> None:
    for columns, used, said in [
        (["kind"], [], "No classes are used; --label_column can name a column: kind."),
        (["labels"], ["labels"], "The column labels is taken for the classes; --label_column names another."),
        (["label", "x"], ["label"], None),
    ]:
        report = DataReport("files")
        tell_columns(columns, used, None, report)
        assert report.notes == ([said] if said else [])
    report = DataReport("files")
    tell_columns(["fine_label", "coarse_label"], ["fine_label"], None, report)
    assert "instead of coarse_label" in report.notes[0]


def test_names_in_one_form_and_in_natural_order() -> None:
    words = ["class 10", " class 2", "class 2 ", "cafe\u0301", "café", None, "  "]
    classes, names = class_names(words, Value("string"))
    assert names == ["café", "class 2", "class 10"]
    assert classes == ["class 10", "class 2", "class 2", "café", "café", None, None]
    assert class_names([10.0, 2.0, float("nan")], Value("float32")) == (["10", "2", None], ["2", "10"])
    assert class_names([0, 1, -1], ClassLabel(names=["b ", "a"])) == (["b", "a", None], ["b", "a"])


def test_what_is_no_class() -> None:
    where = "The column 'x' of set"
    measured = ["0.25", "1.5", "2"]
    with pytest.raises(GANError, match=r"holds numbers like 0.25 and 1.5, which are no classes.*--allow_any_label"):
        check_classes(measured * 10, measured, where, "pictures")
    check_classes(measured * 10, measured, where, "pictures", are_folders=True)
    captions = [f"a cat sits on mat {k}" for k in range(24)]
    with pytest.raises(GANError, match="24 classes of 24 pictures, which look like captions"):
        check_classes(captions, captions, where, "pictures")
    single = [str(k) for k in range(40)]
    with pytest.raises(GANError, match="40 classes of 40 pictures, too few"):
        check_classes(single, single, where, "pictures")
    check_classes(single[:19], single[:19], where, "pictures")
    check_classes(["a", "b"] * 20, ["a", "b"], where, "pictures")


@pytest.mark.parametrize(("cell", "kind"), [(["cat", "cute"], "list"), ({"name": "cat"}, "table of them")])
def test_a_label_is_one_class(cell: object, kind: str) -> None:
    with pytest.raises(GANError, match=f"which is no class but a {kind}; name another column with --label_column"):
        class_names(["dog", cell], None)


def test_whole_numbers_that_were_written_as_fractions() -> None:
    assert class_names(["10.0", "2.0", None], None) == (["10", "2", None], ["2", "10"])
    assert class_names(["10.0", "2.5"], None)[1] == ["2.5", "10.0"]
