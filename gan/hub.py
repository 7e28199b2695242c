"""The Hub: fetching and publishing model repositories, and the card that goes with one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import HfApi, ModelCard, snapshot_download

if TYPE_CHECKING:
    from gan.pipeline import GANPipeline


def download(repo_id: str, **kwargs: Any) -> str:
    return snapshot_download(repo_id, **kwargs)


def upload(folder: Path, repo_id: str, private=None, token=None, commit_message=None) -> str:
    api = HfApi(token=token)
    api.create_repo(repo_id, private=private, exist_ok=True)
    api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=commit_message)
    return f"{api.endpoint}/{repo_id}"


def prepare_repository(args) -> str:
    raise NotImplementedError


def model_card(pipeline: "GANPipeline", repo_id: str) -> ModelCard:
    return ModelCard("---\ntags: [gan]\n---\n# card\n")
