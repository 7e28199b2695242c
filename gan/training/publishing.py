"""Publishing during and after a run. Whatever the Hub says, the run goes on: its model is on disk."""

import argparse
import tempfile
import threading
from pathlib import Path

from accelerate.logging import get_logger
from huggingface_hub.utils import disable_progress_bars
from huggingface_hub.utils import tqdm as hub_tqdm
from tqdm.std import tqdm

from gan.errors import GANError
from gan.hub import client as hub
from gan.hub import space
from gan.pipeline import GANPipeline, publish

logger = get_logger(__name__)


def check_flags(args: argparse.Namespace) -> None:
    """Raises `GANError` for flags that only go with another one."""
    needed = {"push_every": "push_to_hub", "create_space": "push_to_hub", "hub_model_id": "push_to_hub"}
    needed |= {"hub_private_repo": "push_to_hub", "revision": "pretrained_model_name_or_path"}
    for flag, other in needed.items():
        if getattr(args, flag) and not getattr(args, other):
            raise GANError(f"--{flag} has no effect without --{other}; give that too, or leave it out.")


class Publisher:
    """Publishes what `--push_to_hub` asks for; of several processes, only the main one.

    Args:
        args: `push_to_hub`, `push_every`, `create_space` and what `hub.prepare_repository` reads.

    Attributes:
        repo_id: where the model goes; `None` if it isn't published.

    Raises:
        GANError: if publishing won't work, while nothing is lost yet.
    """

    def __init__(self, args: argparse.Namespace, is_main_process: bool):
        self.args = args
        self.repo_id = hub.prepare_repository(args) if args.push_to_hub and is_main_process else None
        self._upload: threading.Thread | None = None

    def is_due(self, step: int) -> bool:
        """Whether this step is one to push after."""
        return self.repo_id is not None and bool(self.args.push_every) and step % self.args.push_every == 0

    def push_during(self, pipeline: GANPipeline, step: int) -> None:
        """Writes the model as it is into a temporary folder and uploads that beside the training.

        One at a time: where an earlier upload is still on its way, this one is left out.
        """
        if self._upload is not None and self._upload.is_alive():
            logger.warning(f"The upload before is still on its way: step {step} is not pushed.")
            return
        assert self.repo_id is not None
        try:
            place = tempfile.TemporaryDirectory()
            pipeline.save_pretrained(place.name, repo_id=self.repo_id)
        except (GANError, OSError) as error:
            logger.warning(f"Step {step} is not pushed, training goes on: {error}")
            return
        share_tqdm_lock()
        self._upload = threading.Thread(target=self._push_folder, args=(place, step), daemon=True)
        self._upload.start()

    def _push_folder(self, place: tempfile.TemporaryDirectory, step: int) -> None:
        assert self.repo_id is not None
        with place as folder, disable_progress_bars():  # they would write over that of the training
            try:
                private = self.args.hub_private_repo or None
                publish(Path(folder), self.repo_id, f"Step {step}", private, self.args.hub_token)
            except GANError as error:
                logger.warning(f"Step {step} is not pushed, training goes on: {error}")

    def push(self, pipeline: GANPipeline, output_dir: Path) -> None:
        """Uploads the finished model, which is in `output_dir`, and makes its Space."""
        if self.repo_id is None:
            return
        if self._upload is not None:
            self._upload.join()
        private = self.args.hub_private_repo or None
        try:
            address = pipeline.push_to_hub(self.repo_id, private=private, token=self.args.hub_token)
            print(f"Published at {address}.", flush=True)
        except GANError as error:
            logger.warning(
                f"{error} The model is safe in {output_dir}: `python -m gan.hub push {output_dir} {self.repo_id}` "
                f"publishes it."
            )
            return
        if self.args.create_space:
            try:
                address = space.create(self.repo_id, self.repo_id, private, self.args.hub_token)
                print(f"Its Space is at {address}.", flush=True)
            except GANError as error:
                logger.warning(f"{error} `python -m gan.hub space {self.repo_id} {self.repo_id}` makes it.")


def share_tqdm_lock() -> None:
    """Lets the bars of `huggingface_hub` and ours wait for each other.

    Its class has a lock of its own, but keeps its bars, even those that are disabled, in the set that all of tqdm's
    classes share. A bar that it creates in the upload's thread, while a message is printed above the training's,
    would change that set under the loop over it: RuntimeError.
    """
    hub_tqdm.set_lock(tqdm.get_lock())
