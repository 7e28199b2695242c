"""Where training data come from, whatever they are of: folders, tables, the Hub; and what is said about them."""

from gan.data.archives import read_bytes
from gan.data.cache import Decoded, remembered, take
from gan.data.columns import (
    add_label_arguments,
    check_classes,
    class_indices,
    class_names,
    classes_of,
    in_order,
    label_columns,
    sample_column,
    tell_columns,
    without_empty_classes,
)
from gan.data.decode import PEEKED, Decoder, LeftOut, decode
from gan.data.folders import (
    FolderPart,
    check_folder,
    classes_by_folder,
    data_name,
    folder_splits,
    list_files,
    look_through,
    usable_files,
)
from gan.data.groups import Pairs, check_groups, group_numbers
from gan.data.holdout import HELD_OUT, MIN_SOURCES, duplicates, hold_out, set_aside
from gan.data.kinds import SampleKind
from gan.data.report import DataReport, counted, suffix_of
from gan.data.repositories import has_same_classes, load_splits, loading, shown_name, tell_unusable, unusable
from gan.data.rows import Cells, Rows, find_rows
from gan.data.tables import FILE_COLUMN, Table, find_table, listed_files, read_table

__all__ = [
    "FILE_COLUMN",
    "HELD_OUT",
    "MIN_SOURCES",
    "PEEKED",
    "Cells",
    "DataReport",
    "Decoded",
    "Decoder",
    "FolderPart",
    "LeftOut",
    "Pairs",
    "Rows",
    "SampleKind",
    "Table",
    "add_label_arguments",
    "check_classes",
    "check_folder",
    "check_groups",
    "class_indices",
    "class_names",
    "classes_by_folder",
    "classes_of",
    "counted",
    "data_name",
    "decode",
    "duplicates",
    "find_rows",
    "find_table",
    "folder_splits",
    "group_numbers",
    "has_same_classes",
    "hold_out",
    "in_order",
    "label_columns",
    "list_files",
    "listed_files",
    "load_splits",
    "loading",
    "look_through",
    "read_bytes",
    "read_table",
    "remembered",
    "sample_column",
    "set_aside",
    "shown_name",
    "suffix_of",
    "take",
    "tell_columns",
    "tell_unusable",
    "unusable",
    "usable_files",
    "without_empty_classes",
]
