"""The pages say what is so: commands parse with the real parsers, code runs, links lead somewhere, figures agree.

Read are README.md, CONTRIBUTING.md and docs/, and of benchmarks/*.md the commands. What the commands do is tested
where it is done; here, that their flags exist and their files are there.
"""

import argparse
import importlib
import json
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
from accelerate.commands.launch import launch_command_parser
from safetensors import safe_open
from test_imports import ORDER
from torch.distributed.run import get_args_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
REPORTS = sorted((ROOT / "benchmarks").glob("*.md"))  # records of their day: only their commands are read
README = PAGES[0].read_text(encoding="utf-8")
MAX_LINES = 150
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Programs of others: what is tested of these commands is what comes after them.
OTHERS = {"hf", "npm", "source", "pre-commit", "git", "ruff", "mypy", ".ci/run"}


def prose(page: Path) -> str:
    """A page without its fenced blocks and front matter."""
    text = re.sub(r"\A---\n.*?\n---\n", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return FENCE.sub("", text)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks in a language."""
    return [code for _, name, code in FENCE.findall(page.read_text(encoding="utf-8")) if name == language]


def inline(page: Path) -> list[str]:
    """What stands between backticks in the prose, each once."""
    return list(dict.fromkeys(" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))))


def commands() -> list[str]:
    """Every command line, fenced or in backticks, each once, without what comes before `&&` and without comments."""
    found = []
    for page in [*PAGES, *REPORTS]:
        lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
        lines += [code for code in inline(page) if re.match(r"(\w+=\w+ )?(python|accelerate|torchrun|pip) \S", code)]
        for line in lines:
            found += [shlex.join(words) for words in split(shlex.split(line, comments=True)) if words]
    return list(dict.fromkeys(found))


def split(words: list[str]) -> list[list[str]]:
    """The commands of a line, without the variables that are set for them."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word in ("&&", "|"):
            parts.append([])
        elif parts[-1] or not re.fullmatch(r"[A-Z_]+=\S*", word):
            parts[-1].append(word)
    return parts


# Modules of ours with a command line.
COMMANDS = ["gan.training", "gan.sample", "gan.hub", "gan.export", "gan.latent", "gan.studio"]
COMMANDS += [f"gan.{modality}.evaluate" for modality in ("image", "text", "audio")]


class Parsed(BaseException):
    """A command line was understood; `unknown` is what its parser leaves to another one."""

    def __init__(self, unknown: list[str]):
        self.unknown = unknown


@contextmanager
def parsing_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ends a program with `Parsed` as soon as it has read its command line."""
    parse, depth = argparse.ArgumentParser.parse_known_args, 0

    def parse_known_args(self, *args, **kwargs):
        nonlocal depth
        depth += 1  # sub-commands are parsed within
        try:
            result = parse(self, *args, **kwargs)
        finally:
            depth -= 1
        if depth:
            return result
        raise Parsed(result[1])

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_known_args", parse_known_args)
        yield


def run_module(name: str, words: list[str]) -> None:
    """`python -m name words`."""
    module = importlib.import_module(name)
    if not hasattr(module, "main"):
        module = importlib.import_module(f"{name}.__main__")
    module.main(words)


def run_script(path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`python path words`."""
    monkeypatch.setattr(sys, "argv", [str(path), *words])
    monkeypatch.syspath_prepend(str(path.parent))
    runpy.run_path(str(path), run_name="__main__")


def run_python(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a Python is given: a script or a module, and its words."""
    if words[0] == "-m":
        if words[1].split(".")[0] != "gan":
            assert words[1] in ("venv", "pytest", "pip", "http.server"), words[1]
            raise Parsed([])
        run_module(words[1], words[2:])
    script = ROOT / words[0]
    assert script.is_file(), script
    if script.parent == ROOT:  # train.py and app.py hand their command line over
        name = {"train.py": "gan.training", "app.py": "gan.studio"}[script.name]
        run_module(name, words[1:])
    run_script(script, words[1:], monkeypatch)


def check_packages(words: list[str]) -> None:
    """What pip is asked for: files that are there, and the versions that are pinned."""
    assert words[0] == "install"
    pinned = "".join(
        (ROOT / name).read_text() for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml")
    )
    requirements = iter(words[1:])
    for word in requirements:
        if word == "-r":
            assert (ROOT / next(requirements)).is_file()
        elif word == "--index-url":
            next(requirements)
        elif "==" in word:
            assert re.sub(r"\[\w+\]", "", word) in pinned, word


def without_launcher(program: str, words: list[str]) -> list[str]:
    """What `accelerate launch` or `torchrun` starts, once its own parser has understood its flags."""
    if program == "python":
        return words
    if program == "accelerate":
        assert words[0] == "launch"
        own = launch_command_parser().parse_args(words[1:])
    else:
        assert program == "torchrun", f"{program} is no program that is known here"
        own = get_args_parser().parse_args(words)
    return ["-m"] * bool(own.module) + [own.training_script, *own.training_script_args]


@pytest.mark.parametrize("line", commands())
def test_a_command_parses(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    program, *words = shlex.split(line)
    for word in words:
        assert not word.startswith("weights/") or Path(word).exists(), word
    if program in OTHERS or line in ("accelerate config", "accelerate launch"):
        return
    if program == "pip":
        check_packages(words)
        return
    try:
        words = without_launcher(program, words)
        with parsing_only(monkeypatch):
            run_python(words, monkeypatch)
    except Parsed as parsed:
        unknown = parsed.unknown
    except SystemExit as end:
        said = capsys.readouterr().err
        # In the prose a command may be named without what it needs; `--help` ends well.
        assert not end.code or "the following arguments are required" in said, said
        return
    if unknown:  # a benchmark hands these on to training
        with pytest.raises(Parsed) as parsed_by_training, parsing_only(monkeypatch):
            run_module("gan.training", ["image", *unknown])
        assert parsed_by_training.value.unknown == []


@pytest.fixture(scope="module")
def flags() -> set[str]:
    """Every flag of every command line of ours, and of Accelerate's launcher."""
    found: set[str] = {"--quiet"}
    add = argparse._ActionsContainer.add_argument

    def add_argument(self, *names, **settings):
        action = add(self, *names, **settings)
        found.update(action.option_strings)
        return action

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse._ActionsContainer, "add_argument", add_argument)
        launch_command_parser()
        for name in COMMANDS:
            with pytest.raises((Parsed, SystemExit)), parsing_only(patch):
                run_module(name, [])
    for script in (ROOT / "benchmarks").rglob("*.py"):
        found.update(re.findall(r"\"(--\w+)\"", script.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_there(page: Path, flags: set[str]) -> None:
    """Flags, files and names of the package between backticks."""
    for code in inline(page):
        assert set(re.findall(r"(?<![\w-])--[a-z][\w-]+", code)) <= flags, code
        if re.fullmatch(r"(gan|tests|docs|benchmarks|weights)/[\w./-]*", code) and not code.endswith("samples"):
            assert (ROOT / code).exists(), code
        if re.fullmatch(r"gan(\.\w+)+", code):
            resolve_name(code)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in an address, by GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, *REPORTS], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_every_page_and_picture_is_reached() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in [*PAGES, *REPORTS]
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page))
    }
    there = [path for path in (ROOT / "docs").rglob("*") if path.is_file()]
    assert [path.name for path in there if path.resolve() not in linked] == []


PYTHON = [(page, number, code) for page in PAGES for number, code in enumerate(blocks(page, "python"))]


@pytest.mark.parametrize(
    ("page", "code"),
    [(page, code) for page, _, code in PYTHON],
    ids=[f"{page.stem}-{number}" for page, number, _ in PYTHON],
)
def test_python_runs(page: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody stands who has the bundled models; what needs a running studio is compiled only."""
    (tmp_path / "weights").symlink_to(ROOT / "weights")
    monkeypatch.chdir(tmp_path)
    program = compile(code, f"{page.name}", "exec")
    if "Client(" not in code:
        exec(program, {})


def test_the_api_is_the_one_that_the_page_has() -> None:
    from gan.studio import Registry, build_page, offered_models

    told = {}
    (table,) = re.findall(r"^\| endpoint \|.*?\n((?:\|.*\n)+)", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    for row in table.splitlines()[1:]:
        name, arguments = row.split("|")[1:3]
        told[name.strip().strip("`")] = [word.strip() for word in arguments.split(",") if word.strip()]
    api = build_page(Registry(offered_models())).get_api_info()["named_endpoints"]
    assert told == {name: [one["parameter_name"] for one in of["parameters"]] for name, of in api.items()}


def test_imports_run_as_the_architecture_says() -> None:
    (line,) = [code for code in blocks(ROOT / "docs/architecture.md", "") if " < " in code]
    stated = [set(part.replace(",", " ").split()) for part in line.split("<")]
    there = {path.stem for path in (ROOT / "gan").iterdir()} - {"__init__"}
    assert stated == [rooms for known in ORDER if (rooms := known & there)]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MAX_LINES


def test_the_bundled_models_are_in_the_table_as_they_are() -> None:
    """Name, millions of parameters of the generator, megabytes of the repository."""
    rows = re.findall(
        r"^\| \[`(\S+)`\]\((\S+)\) \|.* ([\d.]+) M parameters \| ([\d.]+) MB(.*)\|$", README, re.MULTILINE
    )
    assert {name for name, *_ in rows} == {path.parent.name for path in (ROOT / "weights").glob("*/model_index.json")}
    for name, card, millions, megabytes, half in rows:
        folder = (ROOT / card).parent
        assert folder == ROOT / "weights" / name
        with safe_open(folder / "generator" / "diffusion_pytorch_model.safetensors", framework="pt") as file:
            slices = [file.get_slice(key) for key in file.keys()]  # noqa: SIM118
        parameters = sum(int(np.prod(one.get_shape())) for one in slices)
        assert float(millions) == pytest.approx(parameters / 1e6, abs=0.06), name
        assert ("float16" in half) == all(one.get_dtype() == "F16" for one in slices), name
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert float(megabytes) == pytest.approx(size / 1e6, rel=0.1), name


def test_the_readmes_results_are_those_of_the_pages() -> None:
    """Every number with a decimal point stands in the page that its row links."""
    (table,) = re.findall(r"^## Results\n\n((?:\|.*\n)+)", README, re.MULTILINE)
    rows = re.findall(r"^\| \[\w+\]\((\S+)\) \| (.*)$", table, re.MULTILINE)
    assert len(rows) == 3
    for page, text in rows:
        stated = set(re.findall(r"\d+\.\d+", text))
        assert stated <= set(re.findall(r"\d+\.\d+", (ROOT / page).read_text(encoding="utf-8"))), page


@pytest.mark.parametrize(
    ("page", "model", "metrics"),
    [
        ("image", "fashion", ["frechet_distance", "precision", "recall", "coverage", "class_agreement"]),
        ("image", "fashion-vae", ["frechet_distance", "recall", "coverage", "reconstruction_rmse"]),
        ("image", "fashion-vaegan", ["frechet_distance", "precision", "recall", "coverage", "reconstruction_rmse"]),
        ("text", "tang", ["nll"]),
        ("text", "captions", ["nll"]),
        ("text", "captions-latent", ["lm_score", "reverse_lm_score", "bleu_4", "self_bleu_4"]),
        ("text", "tang-latent", ["lm_score", "reverse_lm_score", "bleu_4", "self_bleu_4"]),
        ("text", "places", ["lm_score", "reverse_lm_score", "bleu_4", "self_bleu_4"]),
        ("audio", "digits", ["class_agreement_label", "frechet_distance", "recall", "diversity"]),
        ("audio", "drums", ["class_agreement", "frechet_distance", "recall"]),
    ],
)
def test_results_of_bundled_models_are_what_was_measured(page: str, model: str, metrics: list[str]) -> None:
    measured = json.loads((ROOT / "weights" / model / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    values = {metric["type"]: metric["value"] for metric in measured}
    text = (ROOT / "docs" / "results" / f"{page}.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| (?:[^|]*\()?`{model}`\)? \|(.*)$", text, re.MULTILINE)
    shown = [float(number) for number in re.findall(r"\d+\.\d+", row)]
    for metric in metrics:
        assert any(number == pytest.approx(values[metric], rel=0.005, abs=0.001) for number in shown), metric
