"""How fast and how well pictures are edited: sliders, drags, inversion.

    python benchmarks/editing.py weights/fashion --parts sliders drags
    python benchmarks/editing.py weights/fashion-vaegan --parts inversion --dataset_name zalando-datasets/fashion_mnist

Sliders: `python app.py` in a process of its own and Chromium; from a slider's move to the moment at which the browser
is about to paint another picture. Drags: random handles on what is drawn, each pulled to a random place near it.
Inversion: held-out pictures, by optimising the latent alone, by the encoder alone, and by optimising every layer.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from baseline import load
from playwright.sync_api import sync_playwright
from studio import CHROMIUM, FLAGS, ROOT, free_port, wait_for
from torch import Tensor

from gan import ImagePipeline
from gan.image.attributes import distance_from_background
from gan.image.plots import to_pil
from gan.latent.dragging import near
from gan.latent.inversion import LEARNING_RATE, ImageDistance
from gan.utils.subsets import fixed_random_subset

REACH = 0.2  # how far a drag goes at most, and at least half of it, as a share of the longer side
ON_TARGET = 1.5  # pixels at 64: within them a drag has hit its target
SEEDS = 64  # of which the best is where the latent is optimised from

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--parts", nargs="+", choices=tuple(PARTS), default=list(PARTS))
    parser.add_argument("--dataset_name", help="whose held-out pictures are inverted")
    parser.add_argument("--moves", type=int, default=100, help="of a slider")
    parser.add_argument("--drags", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=16, help="that are inverted, one at a time")
    parser.add_argument("--steps", type=int, default=200, help="of an inversion, and at most of a drag")
    options = parser.parse_args()
    if "inversion" in options.parts and not options.dataset_name:
        parser.error("name pictures to invert with --dataset_name, or leave inversion out of --parts")
    pipeline = ImagePipeline.from_pretrained(options.model)
    print(f"`{Path(options.model).name}`, {torch.get_num_threads()} threads\n\n| | |\n|---|---|")
    for part in options.parts:
        for name, value in PARTS[part](pipeline, options):
            print(f"| {name} | {value} |", flush=True)


def sliders(pipeline: ImagePipeline, options: argparse.Namespace) -> list[tuple[str, str]]:
    """Half and 95 % of a slider's moves, in the page."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "app.py", "--port", str(port), "--models", str(Path(options.model).resolve())]
        app = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}", app)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
                page.goto(f"http://127.0.0.1:{port}/?tab=edit", wait_until="commit")
                page.wait_for_selector(".edit:not(.waiting)")
                page.wait_for_timeout(1000)
                times = [page.evaluate(MOVE, (k % 40 - 20) / 10 + 0.05) for k in range(options.moves + 5)][5:]
                browser.close()
        finally:
            app.terminate()
            app.wait()
    times.sort()
    late = times[int(0.95 * (len(times) - 1))]
    return [("slider to picture on the page", f"p50 {statistics.median(times):.0f} ms, p95 {late:.0f} ms")]


def drags(pipeline: ImagePipeline, options: argparse.Namespace) -> list[tuple[str, str]]:
    """How many random drags hit their targets, how fast they go, and what else they change."""
    chance = torch.Generator().manual_seed(0)
    height, width = pipeline.resolution
    scale = max(height, width)
    next(pipeline.drag(0, [(1, 1)], [(2, 2)], steps=1))  # the first one also looks at the code space
    hits, left, rest, near_by, steps, seconds = 0, [], [], [], 0, 0.0
    for seed in range(options.drags):
        before = pipeline.draw_samples(pipeline.codes_of(seed)).clamp(-1, 1)
        handle, target = random_drag(before, scale, chance)
        start = time.perf_counter()
        taken = list(pipeline.drag(seed, [handle.tolist()], [target.tolist()], steps=options.steps))
        seconds += time.perf_counter() - start
        steps += len(taken)
        apart = float((taken[-1].handles[0] - target).norm())
        left.append(apart)
        hits += apart <= max(0.75, ON_TARGET * scale / 64)
        change = (pipeline.draw_samples(taken[-1].codes).clamp(-1, 1) - before).abs().mean((0, 1))
        inside = near(handle[None], target[None], (height, width))
        rest.append(127.5 * float((change * (1 - inside)).sum() / (1 - inside).sum()))
        near_by.append(127.5 * float((change * inside).sum() / inside.sum()))
    median = statistics.median
    return [
        (f"{options.drags} random drags: hit their target", f"{hits / options.drags:.0%}"),
        ("pixels left to the target, median", f"{median(left):.1f}"),
        ("updates a second", f"{steps / seconds:.0f}"),
        ("change near the handle and elsewhere, grey levels, median", f"{median(near_by):.1f}, {median(rest):.1f}"),
    ]


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


def inversion(pipeline: ImagePipeline, options: argparse.Namespace) -> list[tuple[str, str]]:
    """The error on held-out pictures, root mean square in [-1, 1], and the seconds that one takes."""
    _, test_set = load(options.dataset_name, "--resolution", "x".join(map(str, pipeline.resolution)))
    chosen = fixed_random_subset(len(test_set), options.pictures)
    given = test_set.images(chosen)
    ways: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {
        f"the latent alone, {options.steps} steps": lambda image, label: latent_alone(
            pipeline, image, label, options.steps
        )
    }
    if pipeline.encoder is not None:
        ways["the encoder alone"] = lambda image, label: codes_seen(pipeline, image)
    ways[f"every layer, {options.steps} steps"] = lambda image, label: (
        pipeline.invert(to_pil(image.add(1).mul(127.5).round().byte()), options.steps).codes
    )
    pipeline.invert(
        to_pil(given[:1].add(1).mul(127.5).round().byte()), 1
    )  # draws the seeds that inversions start from
    found = []
    for name, way in ways.items():
        errors, start = [], time.perf_counter()
        labels = test_set.classes(chosen) if pipeline.labels else None
        results = [way(image[None], None if labels is None else labels[k : k + 1]) for k, image in enumerate(given)]
        seconds = (time.perf_counter() - start) / len(given)
        for codes, image in zip(results, given):
            drawn = pipeline.draw_samples(codes)[0].clamp(-1, 1)
            errors.append(float((drawn - image).square().mean().sqrt()))
        found.append((f"inversion by {name}", f"error {statistics.mean(errors):.3f}, {seconds:.2f} s a picture"))
    return found


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
    labels = drawn if label is None else label.expand(SEEDS, *label.shape[1:])
    with torch.no_grad():
        nearest = int(distance(generator.draw(generator.codes(latents, labels))).argmin())
    z = latents[nearest : nearest + 1].clone().requires_grad_()
    optimizer = torch.optim.Adam([z], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    for _ in range(steps):
        (z.grad,) = torch.autograd.grad(distance(generator.draw(generator.codes(z, labels[:1]))).sum(), z)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return generator.codes(z, labels[:1])


PARTS = {"sliders": sliders, "drags": drags, "inversion": inversion}

if __name__ == "__main__":
    main()
