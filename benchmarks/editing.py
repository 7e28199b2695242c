"""How fast and how well pictures are edited: inversion, tuning, drags, sliders in the page, many who drag at once.

    python benchmarks/editing.py weights/fashion weights/emoji
    python benchmarks/editing.py weights/fashion --parts drags --drags 20

Prints a table a part, with a row for each model. Inversion: held-out pictures of the data that a model was trained on,
by optimising the latent alone, by the encoder alone, and by optimising every layer from there (`pipe.invert`). Tuning:
what is left of the error of these pictures after `pipe.tune`, how far those of other seeds move (both root mean
square, in [-1, 1]), and the file. Drags: random handles on what is drawn, each pulled to a random place near it. All
three are timed by the CPU, which on one thread (OMP_NUM_THREADS=1) is the clock on the wall of a core that does
nothing else. Sliders: `python app.py` in a process of its own and Chromium; from a slider's move to the moment at
which the browser is about to paint another picture. Users: as many threads as users ask what the page asks while a
point is pulled, all at once and without a pause.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from baseline import table
from playwright.sync_api import sync_playwright
from studio import CHROMIUM, FLAGS, p95, served
from torch import Tensor

from gan import GANError, ImagePipeline
from gan.evaluate import command_parser, prepare
from gan.image.attributes import distance_from_background
from gan.image.data import ImageSet
from gan.image.evaluate import ImageEvaluation
from gan.image.plots import to_pil
from gan.latent.dragging import near
from gan.latent.inversion import BETAS, LEARNING_RATE, STEPS, ImageDistance, held_rate
from gan.studio.edit.generate import drag_value
from gan.studio.registry import Registry
from gan.utils.subsets import fixed_random_subset

REACH = 0.2  # how far a drag goes at most, and at least half of it, as a share of the longer side
ON_TARGET = 1.5  # pixels at 64: within them a drag has hit its target
DRAG_STEPS = 200  # at most
SEEDS = 64  # of which the best is where the latent is optimised from
PAGE_STEPS = 3  # of a drag, in a request of the page (`gan/studio/edit/tab.js`)

# Moves the first direction's slider as a hand would; until the browser is about to paint another picture.
MOVE = """value => new Promise((resolve, reject) => {
  const slider = document.querySelector(".edit .directions input[type=range]");
  const start = performance.now();
  const observer = new MutationObserver(() => {
    observer.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - start));
  });
  observer.observe(document.querySelector(".edit .frame img"), { attributes: true, attributeFilter: ["src"] });
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  setTimeout(() => reject(new Error("no picture within 10 s")), 10000);
})"""

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--parts", nargs="+", choices=tuple(PARTS), default=list(PARTS))
    parser.add_argument("--moves", type=int, default=100, help="of a slider")
    parser.add_argument("--drags", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=16, help="that are inverted, one at a time")
    parser.add_argument("--steps", type=int, default=STEPS, help="of an inversion")
    parser.add_argument("--users", type=int, default=16, help="who drag at once")
    parser.add_argument("--seconds", type=float, default=10, help="for which they do")
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads")
    for part in options.parts:
        print(f"\n{part}\n")
        table([{"model": Path(model).name, **PARTS[part](model, options)} for model in options.models])


def inversion(model: str, options: argparse.Namespace) -> Row:
    """The error on held-out pictures, root mean square in [-1, 1], and the CPU seconds of one, by three methods."""
    pipeline, test_set, chosen = held_out(model, options)
    given = test_set.images(chosen)
    labels = test_set.classes(chosen) if pipeline.labels else [None] * len(given)
    ways: dict[str, Callable[[Tensor, Any], Tensor]] = {
        "latent alone": lambda image, label: latent_alone(pipeline, image, label, options.steps),
        "encoder alone": lambda image, label: codes_seen(pipeline, image),
        "every layer": lambda image, label: pipeline.invert(as_picture(image), options.steps).codes,
    }
    if pipeline.encoder is None:
        del ways["encoder alone"]
        pipeline.invert(as_picture(given[:1]), 0)  # draws the seeds that inversions start from, once a model
    row: Row = {}
    for name in ("latent alone", "encoder alone", "every layer"):
        row[name] = None
        if name in ways:
            start = time.process_time()
            results = [ways[name](image[None], label) for image, label in zip(given, labels)]
            seconds = (time.process_time() - start) / len(given)
            drawn = pipeline.draw_samples(torch.cat(results)).clamp(-1, 1)
            errors = (drawn - given).square().mean((1, 2, 3)).sqrt()
            row[name] = f"{errors.mean():.3f} in {seconds:.2f} s"
    return row


def held_out(model: str, options: argparse.Namespace) -> tuple[ImagePipeline, ImageSet, Tensor]:
    """A model, the held-out part of its data, and which of it to look at."""
    evaluation = ImageEvaluation()
    try:
        pipeline, _, test_set = prepare(evaluation, command_parser(evaluation).parse_args([model]))
    except GANError as error:
        raise SystemExit(str(error)) from None
    return pipeline, test_set, fixed_random_subset(len(test_set), options.pictures)


def tuning(model: str, options: argparse.Namespace) -> Row:
    """The error on held-out pictures, inverted and then tuned for, how far other seeds move, and what it takes."""
    pipeline, test_set, chosen = held_out(model, options)
    seeds = pipeline.codes_from(*pipeline.latents(list(range(SEEDS))))
    before = pipeline.draw_samples(seeds)
    errors, moved, seconds = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tuning.safetensors"
        for image in test_set.images(chosen):
            pipeline.unload_tuning()
            codes = pipeline.invert(as_picture(image[None]), options.steps).codes
            drawn = [pipeline.draw_samples(codes)]
            start = time.process_time()
            pipeline.tune(as_picture(image[None]), codes)
            seconds += time.process_time() - start
            drawn.append(pipeline.draw_samples(codes))
            errors.append([rms(each, image) for each in drawn])
            moved.append(rms(pipeline.draw_samples(seeds), before))
            pipeline.save_tuning(file)
        size = file.stat().st_size
    inverted, tuned = (statistics.mean(each) for each in zip(*errors))
    return {
        "inverted": f"{inverted:.3f}",
        "tuned": f"{tuned:.3f}",
        "other seeds move by": f"{statistics.mean(moved):.3f}",
        "file": f"{size / 1000:.0f} kB",
        "CPU seconds": f"{seconds / len(errors):.1f}",
    }


def rms(images: Tensor, targets: Tensor) -> float:
    """Root mean square difference of images, which are clamped to [-1, 1]."""
    return float((images.clamp(-1, 1) - targets.clamp(-1, 1)).square().mean().sqrt())


def as_picture(pixels: Tensor) -> Any:
    """A PIL image of pixels (1, channels, height, width) in [-1, 1]."""
    return to_pil(pixels.add(1).mul(127.5).round().byte())


def codes_seen(pipeline: ImagePipeline, image: Tensor) -> Tensor:
    codes = pipeline.encoded(image)
    assert codes is not None
    return codes


def latent_alone(pipeline: ImagePipeline, image: Tensor, label: Tensor | None, steps: int) -> Tensor:
    """The codes of the latent, found by Adam from the best of some seeds, whose sample is nearest to an image; the
    class is known."""
    generator = pipeline.generator
    distance = ImageDistance(image, pipeline._perceptual())
    latents, drawn = pipeline.latents(list(range(SEEDS)))
    labels = drawn if label is None else label.expand(SEEDS, *label.shape)
    with torch.no_grad():
        nearest = int(distance(generator.draw(generator.codes(latents, labels))).argmin())
    z = latents[nearest : nearest + 1].clone().requires_grad_()
    optimizer = torch.optim.Adam([z], LEARNING_RATE, betas=BETAS)
    schedule = held_rate(optimizer, steps)
    for _ in range(steps):
        (z.grad,) = torch.autograd.grad(distance(generator.draw(generator.codes(z, labels[:1]))).sum(), z)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return generator.codes(z, labels[:1])


def drags(model: str, options: argparse.Namespace) -> Row:
    """How many random drags hit their targets, how fast they go, and what else they change."""
    pipeline = ImagePipeline.from_pretrained(model)
    chance = torch.Generator().manual_seed(0)
    height, width = pipeline.resolution
    scale = max(height, width)
    next(pipeline.drag(0, [(1, 1)], [(2, 2)], steps=1))  # the first one also looks at the code space
    hits, left, rest, near_by, steps, seconds = 0, [], [], [], 0, 0.0
    for seed in range(options.drags):
        before = pipeline.draw_samples(pipeline.codes_of(seed)).clamp(-1, 1)
        handle, target = random_drag(before, scale, chance)
        start = time.process_time()
        taken = list(pipeline.drag(seed, [handle.tolist()], [target.tolist()], steps=DRAG_STEPS))
        seconds += time.process_time() - start
        steps += len(taken)
        apart = float((taken[-1].handles[0] - target).norm())
        left.append(apart)
        hits += apart <= max(0.75, ON_TARGET * scale / 64)
        change = (pipeline.draw_samples(taken[-1].codes).clamp(-1, 1) - before).abs().mean((0, 1))
        inside = near(handle[None], target[None], (height, width))
        rest.append(127.5 * float((change * (1 - inside)).sum() / (1 - inside).sum()))
        near_by.append(127.5 * float((change * inside).sum() / inside.sum()))
    return {
        "pixels": f"{width}x{height}",
        "hit their target": f"{hits / options.drags:.0%}",
        "pixels left, median": statistics.median(left),
        "change near the handle, grey levels": statistics.median(near_by),
        "elsewhere": statistics.median(rest),
        "updates a CPU second": f"{steps / seconds:.0f}",
    }


def random_drag(image: Tensor, scale: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """A handle (2,) on what is drawn in an image (1, channels, height, width), and a target near it."""
    height, width = image.shape[2:]
    rows, columns = (distance_from_background(image)[0] > 0.5).nonzero(as_tuple=True)
    if not len(rows):
        rows, columns = torch.tensor([height // 2]), torch.tensor([width // 2])
    chosen = int(torch.randint(len(rows), (), generator=chance))
    handle = torch.tensor([float(columns[chosen]), float(rows[chosen])])
    angle, far = 2 * torch.pi * torch.rand((), generator=chance), torch.rand((), generator=chance) / 2 + 0.5
    target = handle + REACH * scale * far * torch.stack([angle.cos(), angle.sin()])
    return handle, target.clamp_min(0).minimum(torch.tensor([width - 1.0, height - 1.0]))


def sliders(model: str, options: argparse.Namespace) -> Row:
    """Half and 95 % of a slider's moves, in the page."""
    with served("--models", str(Path(model).resolve())) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.goto(f"{address}/?tab=edit", wait_until="commit")
        page.wait_for_selector(".edit:not(.waiting)")
        page.wait_for_timeout(1000)
        times = [page.evaluate(MOVE, (k % 40 - 20) / 10 + 0.05) for k in range(options.moves + 5)][5:]
        browser.close()
    return {"slider to picture, p50": f"{statistics.median(times):.0f} ms", "p95": f"{p95(times):.0f} ms"}


def users(model: str, options: argparse.Namespace) -> Row:
    """How many updates those get who drag at once, each a point of a seed of their own."""
    name = Path(model).name
    registry = Registry({name: model})
    height, width = registry.get(name, ImagePipeline).resolution
    middle = {"handles": [[width / 2, height / 2]], "targets": [[width / 4, height / 4]], "steps": PAGE_STEPS}
    counts = [0] * options.users
    waits: list[float] = []
    until = time.perf_counter() + options.seconds

    def user(k: int) -> None:
        state = {"model": name, "seed": k, "origin": "", "edits": {}, **middle}
        while (asked := time.perf_counter()) < until:
            drag_value(registry, state)
            counts[k] += 1
            waits.append(time.perf_counter() - asked)

    threads = [threading.Thread(target=user, args=(k,)) for k in range(options.users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "users": options.users,
        "updates a second, all together": f"{sum(counts) / options.seconds:.0f}",
        "of the user with fewest": f"{min(counts) / options.seconds:.1f}",
        "with most": f"{max(counts) / options.seconds:.1f}",
        "wait, p95": f"{1000 * p95(waits):.0f} ms",
    }


PARTS: dict[str, Callable[[str, argparse.Namespace], Row]] = {
    "inversion": inversion,
    "tuning": tuning,
    "drags": drags,
    "sliders": sliders,
    "users": users,
}

if __name__ == "__main__":
    main()
