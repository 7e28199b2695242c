"""TensorBoard and Trackio behind one interface."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.logging import get_logger
from PIL import Image

from gan.errors import GANError

logger = get_logger(__name__)


class Trackers:
    """Logs scalars and samples to the trackers that `--report_to` names; does nothing on other processes.

    Args:
        args: `report_to`, `logging_dir`, `tracker_project_name`.
    """

    def __init__(self, args: argparse.Namespace, output_dir: Path, is_main_process: bool):
        self.tensorboard: Any = None
        self.trackio: Any = None
        if not is_main_process:
            return
        if args.report_to in ("tensorboard", "all"):
            from torch.utils.tensorboard import SummaryWriter

            try:
                self.tensorboard = SummaryWriter(output_dir / args.logging_dir)
            except OSError as error:
                raise GANError(
                    f"The folder {output_dir / args.logging_dir} cannot be made ({error.strerror}); choose another "
                    f"--logging_dir."
                ) from error
        if args.report_to in ("trackio", "all"):
            import trackio

            config = {name: value for name, value in vars(args).items() if name != "hub_token"}
            trackio.init(project=args.tracker_project_name, name=output_dir.name, config=config, embed=False)
            self.trackio = trackio

    def log(self, scalars: dict[str, float], step: int) -> None:
        """Logs scalars by name; where they cannot be written any more, nothing is logged from then on."""
        with self._guarded():
            self._log(scalars, step)

    def log_sample(self, path: Path, step: int) -> None:
        """Logs a preview, an image file."""
        with self._guarded():
            self._log_sample(path, step)

    def close(self) -> None:
        with self._guarded():
            if self.tensorboard is not None:
                self.tensorboard.close()
            if self.trackio is not None:
                self.trackio.finish()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            logger.warning(f"The losses cannot be written ({error.strerror or error}); training goes on without them.")
            self.tensorboard = self.trackio = None

    def _log(self, scalars: dict[str, float], step: int) -> None:
        if self.tensorboard is not None:
            for name, value in scalars.items():
                self.tensorboard.add_scalar(name, value, step)
        if self.trackio is not None:
            self.trackio.log(scalars, step=step)

    def _log_sample(self, path: Path, step: int) -> None:
        if self.tensorboard is not None:
            image = np.asarray(Image.open(path).convert("RGB"))
            self.tensorboard.add_image("preview", image, step, dataformats="HWC")
        if self.trackio is not None:
            self.trackio.log({"preview": self.trackio.Image(str(path))}, step=step)
