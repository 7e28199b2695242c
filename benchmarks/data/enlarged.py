"""A data set of texts, enlarged by texts that a model wrote: an autoencoder has more to learn rebuilding from.

    python -m gan.sample MODEL --num_samples 60000 --temperature 0.9 --output_dir sampled
    python benchmarks/data/enlarged.py DATA sampled ENLARGED

`DATA` is a folder with a file of lines for each split, such as train.txt and test.txt. Texts that are held out do not
come in; the held-out splits stay as they are.
"""

import argparse
import json
import shutil
from pathlib import Path

TRAIN = "train.txt"


def written(samples: Path) -> list[str]:
    """The texts that `python -m gan.sample` has written into a folder, by seed."""
    files = [file.read_text(encoding="utf-8") for file in sorted(samples.glob("*.jsonl"))]
    return [json.loads(line)["text"] for lines in files for line in lines.split("\n") if line]


def enlarge(data: Path, texts: list[str], target: Path) -> int:
    """Writes the enlarged data set; how many of the texts came in."""
    held_out = [file for file in data.glob("*.txt") if file.name != TRAIN]
    known = {line.strip() for file in held_out for line in file.read_text(encoding="utf-8").splitlines()}
    new = [text for text in texts if text not in known]
    target.mkdir(parents=True, exist_ok=True)
    lines = (data / TRAIN).read_text(encoding="utf-8").splitlines() + new
    (target / TRAIN).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for file in held_out:
        shutil.copyfile(file, target / file.name)
    return len(new)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the data set")
    parser.add_argument("samples", type=Path, help="texts of `python -m gan.sample`")
    parser.add_argument("folder", type=Path, help="where the enlarged data set is written")
    args = parser.parse_args()
    texts = written(args.samples)
    print(f"{enlarge(args.data, texts, args.folder):,} of {len(texts):,} texts came in.")


if __name__ == "__main__":
    main()
