"""What a person wrote in a README.md, through all that renders it anew."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cli import environment, python
from hub_server import HubServer

from gan import GANError, GANPipeline, ImagePipeline
from gan.hub import edits
from gan.hub.__main__ import main

NOTES = "\n## Notes\n\nBy hand, very dear to me.\n"
FRONT = {"library_name": "gan-studio", "tags": ["gan"], "license": "mit"}


def rendered(**blocks: str) -> str:
    return edits.rendered(FRONT, {"model": "# model\n\nA model.", "use": "## Use it", "metrics": ""} | blocks)


def front(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def test_rendered_text_alone_is_nobodys() -> None:
    assert edits.author_lines(rendered()) == []
    assert edits.merged(rendered(), rendered(), "it") == rendered()
    assert edits.merged(rendered(metrics="9.5"), rendered(), "it") == rendered(metrics="9.5")


def test_text_between_and_around_the_blocks_stays() -> None:
    first, *others = rendered().split("<!-- gan-studio: end -->")
    mine = "<!-- gan-studio: end -->\n\nBetween.\n".join([first, "<!-- gan-studio: end -->".join(others)]) + NOTES
    anew = edits.merged(rendered(use="## Use it now", metrics="9.5"), mine, "it")
    assert edits.author_lines(anew) == ["Between.", "## Notes", "By hand, very dear to me."]
    assert "## Use it now" in anew and "9.5" in anew and "## Use it\n" not in anew
    assert anew.index("A model.") < anew.index("Between.") < anew.index("## Use it now") < anew.index("By hand")
    assert edits.merged(rendered(), anew, "it") == edits.merged(rendered(), mine, "it")


def test_a_block_that_was_edited_is_its_authors_and_one_taken_out_stays_out() -> None:
    mine = rendered().replace("A model.", "The loveliest model.")
    mine = mine[: mine.index("<!-- gan-studio: use")] + mine[mine.index("<!-- gan-studio: metrics") :]
    anew = edits.merged(rendered(model="# model\n\nAnother.", metrics="9.5"), mine, "it")
    assert "The loveliest model." in anew and "Another." not in anew
    assert "## Use it" not in anew and "9.5" in anew


def test_editors_change_line_ends_and_blanks() -> None:
    mine = rendered().replace("\n", "\r\n").replace("A model.", "A model.  ")
    assert edits.author_lines(mine) == []
    assert edits.merged(rendered(use="anew"), mine, "it") == rendered(use="anew")


def test_metadata_of_ours_is_renewed_and_other_keys_stay() -> None:
    old = rendered().replace("license: mit", "license: other\nlanguage: tr\ntags: [mine, gan]")
    found = front(edits.merged(rendered(), old.replace("tags:\n- gan\n", ""), "it"))
    assert found == {"library_name": "gan-studio", "license": "mit", "language": "tr", "tags": ["gan", "mine"]}


def test_marks_in_what_is_rendered_are_no_marks() -> None:
    text = rendered(use="a class called <!-- gan-studio: end --> and more")
    assert edits.author_lines(text) == []
    assert edits.merged(rendered(), text, "it") == rendered()


@pytest.mark.parametrize(
    ("earlier", "why"),
    [("# Mine\n\nMy own card.\n", "has text and no marks"), ("---\na: [b\n---\n", "has metadata that is not YAML")],
)
def test_what_cannot_be_merged_is_kept_or_refused(
    earlier: str, why: str, pipeline: ImagePipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "README.md").write_text(earlier)
    with caplog.at_level(logging.WARNING):
        pipeline.save_pretrained(tmp_path)  # a model is not lost because of its card
    assert (tmp_path / "README.md").read_text() == earlier
    assert why in caplog.text and "kept as it is" in caplog.text
    assert main(["card", str(tmp_path)]) == 2
    assert (tmp_path / "README.md").read_text() == earlier


def test_metadata_alone_is_filled_up(pipeline: ImagePipeline, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")  # as the Hub makes a repository
    pipeline.save_pretrained(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert front(text)["license"] == "mit" and "## Use it" in text and edits.author_lines(text) == []


def test_notes_survive_saving_copying_and_rendering(repository: Path, tmp_path: Path) -> None:
    with (repository / "README.md").open("a") as file:
        file.write(NOTES)
    pipeline = GANPipeline.from_pretrained(repository)
    pipeline.metrics = {}
    pipeline.save_pretrained(repository)
    pipeline.save_pretrained(tmp_path / "copy")
    assert main(["card", str(repository), "--hub_model_id", "user/name"]) == 0
    for folder in (repository, tmp_path / "copy"):
        text = (folder / "README.md").read_text()
        assert text.count(NOTES.strip()) == 1 and "What was measured" not in text
    assert 'from_pretrained("user/name")' in (repository / "README.md").read_text()


def test_bytes_that_are_no_utf8_stay(repository: Path) -> None:
    with (repository / "README.md").open("ab") as file:
        file.write("\nGrüße\n".encode("latin-1"))
    GANPipeline.from_pretrained(repository).save_pretrained(repository)
    assert "Grüße".encode("latin-1") in (repository / "README.md").read_bytes()


# On the Hub: which side was changed since the last push?


def test_an_edit_on_either_side_is_kept() -> None:
    pushed = edits.merged(rendered(), rendered() + NOTES, "it")
    later = edits.merged(rendered(metrics="9.5"), pushed, "it")
    there = pushed.replace("very dear", "dear")
    assert edits.to_publish(later, pushed, "u/m") == later
    assert edits.author_lines(edits.to_publish(later, there, "u/m"))[-1] == "By hand, dear to me."
    assert "9.5" in edits.to_publish(later, there, "u/m")
    here = later.replace("very dear", "quite dear")
    assert edits.to_publish(here, pushed, "u/m") == edits.merged(here, "", "it")
    with pytest.raises(GANError, match=r"README.md of u/m was changed on the Hub, and differently here"):
        edits.to_publish(here, there, "u/m")
    both = here + "\nBy hand, dear to me.\n"  # brought together by hand, as the sentence says
    assert "quite dear" in edits.to_publish(both, there, "u/m")


def test_a_card_of_somebodys_own_on_the_hub_stays(caplog: pytest.LogCaptureFixture) -> None:
    assert edits.to_publish(rendered(), "# Mine\n", "u/m") == "# Mine\n"
    assert "kept as it is" in caplog.text


def test_metadata_that_was_added_on_the_hub_stays() -> None:
    there = rendered().replace("license: mit", "license: mit\nlanguage: tr")
    assert front(edits.to_publish(rendered(), there, "u/m"))["language"] == "tr"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub") as hub:
        yield hub


PUSHES = """
from pathlib import Path
from huggingface_hub import hf_hub_download, upload_file
from gan.hub.__main__ import main

def push(*flags):
    assert main(["push", "model", "tester/x", *flags]) == 0

push()
edited = Path(hf_hub_download("tester/x", "README.md")).read_text().replace("very dear", "written on the Hub, dear")
upload_file(path_or_fileobj=edited.encode(), path_in_repo="README.md", repo_id="tester/x", commit_message="Edited")
push()
push("--create_pr")
"""


@pytest.mark.hub
@pytest.mark.processes
def test_notes_are_published_and_those_on_the_hub_survive_a_push(
    hub: HubServer, repository: Path, tmp_path: Path
) -> None:
    env = environment(tmp_path / "home", hub.env(tmp_path / "home/huggingface"))
    with (repository / "README.md").open("a") as file:
        file.write(NOTES)
    python("-c", PUSHES, env=env, cwd=tmp_path).check()
    repo = hub.repos["model", "tester/x"]
    _, *changes = repo.log  # the first commit only makes the repository
    first, edited, *later = (repo.files(sha)["README.md"].decode() for sha in changes)
    assert NOTES.strip() in first
    assert all("written on the Hub, dear" in card for card in (edited, *later))
    assert len(later) <= 1 == len(repo.proposals)  # a proposal is not on main
