"""A generator as a file for other programs: `python -m gan.export MODEL`.

ONNX runs in browsers, on phones and from a dozen languages. The graph takes a batch of any size, and by default seeds:
seed 7 gives there what it gives here. Nothing is written that does not agree with PyTorch.
"""

import copy
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan import GANError, GANPipeline, ImageGenerator
from gan.export.seeds import SeedNoise
from gan.inputs import MAX_SEED
from gan.networks import GridGenerator
from gan.utils.files import files_into
from gan.zoo import ZooGenerator

TOLERANCE = 1e-4
TRIALS = ((1, 1.0), (2, 0.7), (5, 0.0), (8, 1.5), (16, 0.4))  # (batch, truncation)
SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}
PACKAGES = "onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2"

Feeds = dict[str, Tensor]  # the inputs of a graph by name, in their order
Run = Callable[[Feeds], list[Tensor]]
Generator = GridGenerator | ZooGenerator


@dataclass
class Export:
    """A generator as a file.

    Attributes:
        data: the bytes of the file.
        record: what a program has to know to run it; written beside it as JSON.
    """

    data: bytes
    record: dict[str, Any]


class FromLatents(nn.Module):
    """The generator as it is: latents, truncation and weights of the classes to samples; or its first half, to codes.

    Args:
        codes_only: leave `draw` to a graph of its own (`FromCodes`).
    """

    def __init__(self, generator: Generator, codes_only: bool = False):
        super().__init__()
        self.generator: Any = first_half(generator) if codes_only else generator  # type: ignore[arg-type]
        self.whole = (generator,)  # a tuple, which hides it: no part of the graph
        self.outputs = ["codes" if codes_only else sample_name(generator)]

    def forward(self, latents: Tensor, truncation: Tensor, class_weights: Tensor | None = None) -> list[Tensor]:
        return [self.made(self.generator, latents, class_weights, truncation)]

    def made(self, generator: Generator, latents: Tensor, labels: Tensor | None, truncation: float | Tensor) -> Tensor:
        """What a generator makes, pictures in [-1, 1]."""
        codes = generator.codes(latents, labels, truncation)
        return codes if self.outputs[0] == "codes" else drawn(generator, codes)

    def feeds(self, batch: int, psi: float) -> Feeds:
        """Inputs to try: noise, mixed classes."""
        chance = torch.Generator().manual_seed(batch)
        latents = torch.randn(batch, self.generator.latent_dim, generator=chance)
        feeds = {"latents": latents, "truncation": torch.tensor(psi)}
        if self.generator.class_counts:
            logits = [torch.randn(batch, count, generator=chance) * 4 for count in self.generator.class_counts]
            feeds["class_weights"] = torch.cat([column.softmax(1) for column in logits], dim=1)
        return feeds

    def reference(self, pipeline: GANPipeline, feeds: Feeds) -> list[Tensor]:
        """What the pipeline makes of the same inputs."""
        return [self.made(self.whole[0], feeds["latents"], feeds.get("class_weights"), float(feeds["truncation"]))]


class FromSeeds(FromLatents):
    """Seeds, truncation and classes to samples and their labels; a class of -1 is drawn from the seed."""

    def __init__(self, generator: Generator, codes_only: bool = False):
        super().__init__(generator, codes_only)
        if isinstance(generator, ZooGenerator) and not generator.torch_seeds:
            raise GANError(
                f"The latents of a {generator.family}'s seeds are drawn by numpy, which no graph can do; export it "
                f"with --inputs latents, and take latents from pipeline.latents([7])."
            )
        self.noise = SeedNoise(generator.latent_dim, generator.class_counts)
        self.outputs += ["labels"] if generator.class_counts else []

    def forward(  # type: ignore[override]
        self, seeds: Tensor, truncation: Tensor, classes: Tensor | None = None
    ) -> list[Tensor]:
        latents, drawn = self.noise(seeds)
        return self._both(self.generator, latents, drawn, truncation, classes)

    def _both(
        self,
        generator: Generator,
        latents: Tensor,
        drawn: Tensor,
        truncation: float | Tensor,
        classes: Tensor | None,
    ) -> list[Tensor]:
        if classes is None:
            return [self.made(generator, latents, None, truncation)]
        labels = torch.where(classes < 0, drawn, classes)
        return [self.made(generator, latents, labels, truncation), labels]

    def feeds(self, batch: int, psi: float) -> Feeds:
        """Inputs to try: seeds from the highest down, classes drawn and chosen."""
        numbers = torch.arange(batch)
        feeds = {"seeds": MAX_SEED - 99_991 * numbers, "truncation": torch.tensor(psi)}
        if self.generator.class_counts:
            columns = [numbers % (count + 1) - 1 for count in self.generator.class_counts]
            feeds["classes"] = torch.stack(columns, dim=1)
        return feeds

    def reference(self, pipeline: GANPipeline, feeds: Feeds) -> list[Tensor]:
        latents, drawn = pipeline.latents(feeds["seeds"].tolist())
        drawn = drawn.view(len(latents), -1)
        return self._both(self.whole[0], latents, drawn, float(feeds["truncation"]), feeds.get("classes"))


class FromCodes(nn.Module):
    """The second half of the generator: codes, which may have been edited, to samples."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator, self.outputs = generator, [sample_name(generator)]

    def forward(self, codes: Tensor) -> list[Tensor]:
        return [drawn(self.generator, codes)]

    def feeds(self, batch: int, psi: float) -> Feeds:
        """Inputs to try: codes of noise and of all classes together, moved a little."""
        chance = torch.Generator().manual_seed(batch)
        latents = torch.randn(batch, self.generator.latent_dim, generator=chance)
        weights = torch.cat([torch.full((batch, n), 1 / n) for n in self.generator.class_counts or (1,)], dim=1)
        with torch.no_grad():
            codes = self.generator.codes(latents, weights, psi)
        return {"codes": codes + 0.3 * torch.randn(codes.shape, generator=chance)}

    def reference(self, pipeline: GANPipeline, feeds: Feeds) -> list[Tensor]:
        return self.forward(feeds["codes"])


def sample_name(generator: Generator) -> str:
    """What a generator's samples are called in a graph."""
    return "images" if isinstance(generator, ImageGenerator | ZooGenerator) else "spectrograms"


def drawn(generator: Generator, codes: Tensor) -> Tensor:
    """The samples of codes, pictures in [-1, 1]."""
    samples = generator.draw(codes)
    assert isinstance(samples, Tensor)
    return samples.clamp(-1, 1) if sample_name(generator) == "images" else samples


def first_half(generator: GridGenerator) -> GridGenerator:
    """A generator of which only `codes` is left: a few kilobytes.

    Of the start grid, codes need nothing but the norm, which a triangular matrix of the width of its input gives as
    well: for [W b] = QR, the norm of W x + b is that of R [x 1].
    """
    half = copy.copy(generator)
    half._modules = dict(generator._modules)
    weight, bias = generator.start.weight.detach(), generator.start.bias.detach()
    _, triangle = torch.linalg.qr(torch.cat([weight, bias[:, None]], dim=1).double())
    start = nn.Linear(weight.shape[1], len(triangle))
    start.weight.data, start.bias.data = triangle[:, :-1].float(), triangle[:, -1].float()
    half.start, half.stages, half.to_image = start, nn.Identity(), nn.Identity()
    half.details = nn.ModuleList()
    return half


GRAPHS: dict[str, type[FromLatents]] = {"seeds": FromSeeds, "latents": FromLatents}
Graph = FromLatents | FromCodes


def export(
    pipeline: GANPipeline, form: str = "onnx", inputs: str = "seeds", half: bool = False, part: str = "whole"
) -> Export:
    """A generator of pictures, or of the spectrograms of sounds, as a file.

    Args:
        form: "onnx", or "torch" for a `torch.export` program.
        inputs: "seeds": `seeds` (batch,) int64 and `classes` (batch, columns) int64, -1 for a class that is drawn from
            the seed; or "latents": `latents` (batch, latent_dim) and `class_weights` (batch, classes), float32. Models
            without classes lack the second. Both: `truncation` () float32.
        half: keep weights as float16, which halves the file; computations stay in float32. Only ONNX.
        part: "whole"; "codes", whose output is not samples but `codes` (batch, layers, width); or "draw", which takes
            these: what is between can be edited.

    Raises:
        GANError: if the model makes something else, packages are missing, or the file does not agree with PyTorch.
    """
    imported = isinstance(pipeline.generator, ZooGenerator)
    if imported and part != "whole":
        raise GANError(f"A {pipeline.generator.family} is exported as a whole; its halves are for our own generators.")
    if not isinstance(pipeline.generator, GridGenerator | ZooGenerator):
        raise GANError(f"This model makes {pipeline.unit}; only generators of pictures and sounds can be exported.")
    if half and form != "onnx":
        raise GANError("Weights of half precision are for ONNX files; leave --half out, or choose --format onnx.")
    if form == "onnx":
        _packages()
    generator = copy.deepcopy(pipeline.generator).cpu().float()
    graph = _graph(generator, inputs, part)
    feeds = [graph.feeds(*trial) for trial in TRIALS[: 3 if imported else None]]  # which may be large
    exact = _references(graph, pipeline, feeds)
    for parameter in generator.parameters() if half else ():
        parameter.data = parameter.data.half().float()
    graph = _graph(generator, inputs, part)
    meant = _references(graph, pipeline, feeds) if half else exact
    # While training, our layers are plain products and convolutions; for sampling they take kernels that no file has.
    program = _traced(graph.train(not imported), feeds[1])
    data, run = _onnx(program, feeds[1], graph.outputs, half) if form == "onnx" else _torch(program)
    off = _largest_difference([run(feed) for feed in feeds], meant)
    if not off <= TOLERANCE:  # nor if it is no number
        raise GANError(f"The exported file differs from the model by {off:.1e}, more than {TOLERANCE:.0e}.")
    record = {
        "unit": pipeline.unit,
        "labels": pipeline.config.labels,
        "generator": {name: value for name, value in generator.config.items() if not name.startswith("_")},
        "inputs": {name: _kind(value) for name, value in feeds[1].items()},
        "outputs": {name: _kind(value) for name, value in zip(graph.outputs, run(feeds[1]))},
        "weights": "float16" if half else "float32",
        "largest_difference": off,
        "largest_difference_by_rounding": _largest_difference(meant, exact),
    }
    return Export(data, record)


def _graph(generator: Generator, inputs: str, part: str) -> Graph:
    return FromCodes(generator) if part == "draw" else GRAPHS[inputs](generator, codes_only=part == "codes")


def _traced(graph: Graph, feeds: Feeds) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1)
    shapes = {name: {0: batch} if value.ndim else None for name, value in feeds.items()}
    with torch.no_grad():
        program = torch.export.export(graph, tuple(feeds.values()), dynamic_shapes=shapes)
    for part in program.graph_module.modules():
        for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # names folders of this machine
    return program


def _onnx(program: torch.export.ExportedProgram, feeds: Feeds, outputs: list[str], half: bool) -> tuple[bytes, Run]:
    onnx, onnxruntime = _packages()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about its own ways
        made = torch.onnx.export(
            program, input_names=list(feeds), output_names=outputs, external_data=False, verbose=False
        )
    model = made.model_proto
    if half:
        _store_half(model.graph, onnx)
    for value in (*model.graph.input, *model.graph.output):
        for axis in value.type.tensor_type.shape.dim:
            if axis.HasField("dim_param"):
                axis.dim_param = "batch"
    data = model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(feed: Feeds) -> list[Tensor]:
        return [torch.from_numpy(x) for x in session.run(None, {name: x.numpy() for name, x in feed.items()})]

    return data, run


def _packages() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  (for torch.onnx)
    except ImportError as error:
        raise GANError(f"ONNX files need the package {error.name}: pip install {PACKAGES}.") from error
    return onnx, onnxruntime


def _torch(program: torch.export.ExportedProgram) -> tuple[bytes, Run]:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about its own ways
        torch.export.save(program, buffer)
        buffer.seek(0)
        loaded = torch.export.load(buffer).module()
    return buffer.getvalue(), lambda feed: loaded(*feed.values())


def _store_half(graph: Any, onnx: Any) -> None:
    """Keeps every tensor that float16 holds exactly as float16; it is cast when the file is loaded."""
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        halved = values.astype(np.float16) if values.dtype == np.float32 and values.size > 1 else None
        if halved is not None and np.array_equal(halved, values):
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(halved, f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


@torch.inference_mode()
def _references(graph: Graph, pipeline: GANPipeline, feeds: list[Feeds]) -> list[list[Tensor]]:
    graph.eval()
    return [graph.reference(pipeline, feed) for feed in feeds]


def _largest_difference(made: list[list[Tensor]], meant: list[list[Tensor]]) -> float:
    """NaN if there is one anywhere."""
    pairs = [pair for one, other in zip(made, meant) for pair in zip(one, other, strict=True)]
    return float(np.max([float((one - other).detach().abs().max()) for one, other in pairs]))


def _kind(tensor: Tensor) -> dict[str, Any]:
    shape = ["batch", *tensor.shape[1:]] if tensor.ndim else []
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": shape}


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Writes files, each beside its place first.

    Raises:
        GANError: if one cannot be written.
    """
    try:
        with files_into(folder) as temporary:
            for name, data in files.items():
                (temporary / name).write_bytes(data)
    except OSError as error:
        raise GANError(
            f"{' and '.join(files)} could not be written to {folder} ({error.strerror}); choose another place."
        ) from error
