"""Imports run one way: from what uses to what is used, by the order of the rooms below, and in no circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "gan"
# From the ground up; a module may import its own room and those before it.
ORDER = [
    {"version", "errors"},
    {"utils"},
    {"labels", "blocks", "cli", "inputs"},
    {"networks"},
    {"metrics"},
    {"hub"},
    {"pipeline"},
    {"data", "features", "evaluate"},
    {"latent", "zoo"},
    {"training"},
    {"image", "text", "audio"},  # of which none imports another
    {"sample", "export", "studio", "__init__"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
MODALITIES = ORDER[-2]
MOST_MODULES = 12  # at the root


def modules() -> dict[str, ast.Module]:
    """Module name below the package to its code."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imported(code: ast.Module) -> set[str]:
    """The modules of the package that a module imports, also within functions, but not for annotations only."""
    found = set()
    for node in ast.walk(code):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(code):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "gan":
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "gan"]
        for name in names:
            below = name.removeprefix("gan").removeprefix(".")
            candidates = [below, f"{below}.__init__".lstrip("."), below.rpartition(".")[0]]
            candidates += [f"{candidates[2]}.__init__".lstrip(".")]
            found.add(next((candidate for candidate in candidates if candidate in MODULES), below))
    return found


IMPORTS = {name: imported(code) - {name} for name, code in MODULES.items()}


def room(module: str) -> str:
    return module.split(".")[0]


def level(module: str) -> int:
    """A command, `__main__`, stands above all rooms."""
    return len(ORDER) if module.endswith("__main__") else LEVEL[room(module)]


def test_every_room_has_its_place():
    assert {room(module) for module in MODULES} <= set(LEVEL)
    assert len([module for module in MODULES if "." not in module]) <= MOST_MODULES


def test_no_import_runs_back():
    back = [f"{a} -> {b}" for a, used in IMPORTS.items() for b in used if level(b) > level(a)]
    assert not back


def test_modalities_do_not_import_each_other():
    pairs = [(a, b) for a, used in IMPORTS.items() for b in used if {room(a), room(b)} <= MODALITIES]
    assert [f"{a} -> {b}" for a, b in pairs if room(a) != room(b)] == []


def test_nothing_but_commands_and_the_studio_knows_a_modality():
    outside = {room(a) for a, used in IMPORTS.items() for b in used if room(b) in MODALITIES - {room(a)}}
    assert outside <= {"__init__", "studio", "export"}


def test_there_is_no_circle():
    list(TopologicalSorter(IMPORTS).static_order())  # raises CycleError, which names it
