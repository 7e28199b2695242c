"""Sounds for training, from files, folders and data sets as people have them."""

import argparse
import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import soundfile
import torch
from datasets import ClassLabel, Value

from gan import GANError
from gan.audio import data
from gan.audio.data import AudioSet
from gan.audio.task import AudioTask
from gan.training import arguments

Load = Callable[..., tuple[AudioSet, AudioSet]]
RATE = 8000


def tone(seconds: float = 0.25, pitch: float = 500, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    return level * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def silence(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.zeros(round(seconds * rate))


def save(path: Path, sound: np.ndarray, rate: int = RATE, subtype: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, subtype)
    return path


def folder(root: Path, names: Sequence[str]) -> Path:
    """Tones, each of its own pitch."""
    for k, name in enumerate(names):
        save(root / name, tone(0.05, pitch=300 + 40 * k))
    return root


def table(root: Path, *rows: Sequence[str]) -> Path:
    with (root / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return root


def heard(clip: np.ndarray, rate: int = RATE) -> float:
    """The loudest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(clip.astype(float)))
    return float(np.fft.rfftfreq(len(clip), 1 / rate)[spectrum.argmax()])


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`data.load` with the flags of a command line."""

    def loaded(*flags: str | Path) -> tuple[AudioSet, AudioSet]:
        words = ["audio", "--cache_dir", str(tmp_path / "cache"), *map(str, flags)]
        args: argparse.Namespace = arguments.parser({"audio": AudioTask}).parse_args(words)
        return data.load(args)

    return loaded


def refusal(load: Load, *flags: str | Path) -> str:
    with pytest.raises(GANError) as caught:
        load(*flags)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def only(load: Load, root: Path, *flags: str) -> np.ndarray:
    """The one clip of a folder, as the networks get it."""
    train, _ = load("--train_data_dir", root, *flags)
    assert len(train) == 1
    return train.clips(torch.tensor([0]))[0].numpy()


# Plain folders


def test_a_folder_of_sounds(load: Load, tmp_path: Path) -> None:
    folder(tmp_path / "birds", ["1.wav", "2.flac", "3.ogg", "4.WAV"])
    (tmp_path / "birds" / "notes.txt").write_text("not meant to be one")
    train, test = load("--train_data_dir", tmp_path / "birds")
    assert (len(train), test) == (4, None)  # too few to set any aside
    assert (train.audio.shape, train.audio.dtype, train.sampling_rate) == ((4, 8192), np.int16, 8000)
    assert (train.labels, train.label_names, train.name, train.skipped) == (None, None, "birds", 0)
    assert train.classes(torch.arange(3)) is None
    clips = train.clips(torch.tensor([2, 0, 2]))
    assert (clips.shape, clips.dtype) == ((3, 8192), torch.float32)
    assert torch.equal(clips[0], clips[2])
    assert clips.abs().max() <= 1


def test_sub_folders_are_classes(load: Load, tmp_path: Path) -> None:
    names = [f"{kind}/{k}/{k}.wav" for kind in ("cat", "Dog", "猫") for k in range(5)]
    train, _ = load("--train_data_dir", folder(tmp_path / "zoo", names))
    assert train.label_names == {"label": ["Dog", "cat", "猫"]}
    assert train.labels is not None
    assert train.labels.dtype == np.int64
    assert train.labels.tolist() == [[0]] * 5 + [[1]] * 5 + [[2]] * 5
    classes = train.classes(torch.tensor([14, 0]))
    assert classes is not None and classes.tolist() == [[2], [0]]
    assert load("--train_data_dir", tmp_path / "zoo", "--unconditional")[0].labels is None


def test_numbers_are_in_order(load: Load, tmp_path: Path) -> None:
    train, _ = load("--train_data_dir", folder(tmp_path, ["10/a.wav", "9/a.wav", "-1/a.wav"]))
    assert train.label_names == {"label": ["-1", "9", "10"]}
    assert train.labels is not None and sorted(train.labels.ravel().tolist()) == [0, 1, 2]


def test_bad_files_among_good_ones_are_skipped_and_counted(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "zoo", [f"{kind}/{k:02}.wav" for kind in ("cat", "dog") for k in range(20)])
    save(root / "cat" / "00.wav", silence(0.2))
    save(root / "cat" / "01.wav", silence(0))
    save(root / "cat" / "02.wav", np.array([0.1, np.nan, 0.2]), subtype="FLOAT")
    save(root / "cat" / "03.wav", np.full(1000, 0.5))  # a constant is not heard
    (root / "dog" / "00.wav").write_text("not a sound")
    (root / "dog" / "01.wav").write_bytes(b"")
    (root / "dog" / "02.wav").write_bytes((root / "dog" / "03.wav").read_bytes()[:20])
    train, test = load("--train_data_dir", root)
    assert train.skipped == 7
    assert len(train) + len(test) == 33
    assert train.labels is not None and test.labels is not None
    assert np.bincount(np.concatenate([train.labels, test.labels])[:, 0]).tolist() == [16, 17]  # each its own class


def test_what_is_lost_on_the_way_is_not_made_louder(load: Load, tmp_path: Path) -> None:
    high = tone(pitch=20_000, rate=48_000)
    save(tmp_path / "1.wav", high * np.hanning(len(high)), 48_000)  # for bats
    save(tmp_path / "2.wav", silence(3))
    save(tmp_path / "3.wav", tone())
    train, _ = load("--train_data_dir", tmp_path, "--sampling_rate", "16000")
    assert (len(train), train.skipped) == (1, 2)


def test_nothing_to_be_heard(load: Load, tmp_path: Path) -> None:
    for k in range(3):
        save(tmp_path / f"{k}.wav", silence(0.1))
    assert "None of the 3 files" in refusal(load, "--train_data_dir", tmp_path)


@pytest.mark.parametrize("flag", ["--train_data_dir", "--dataset_name"])
def test_folders_that_are_missing(load: Load, tmp_path: Path, flag: str) -> None:
    said = refusal(load, flag, tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in said
    assert "does not exist" in said


def test_folders_without_a_sound(load: Load, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = refusal(load, "--train_data_dir", tmp_path / "empty")
    assert str(tmp_path / "empty") in said
    assert ".flac" in said
    assert "holds no data set" in refusal(load, "--dataset_name", tmp_path / "empty")


# Kinds of files


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [
        ("wav", "PCM_U8"),
        ("wav", "PCM_24"),
        ("wav", "PCM_32"),
        ("wav", "FLOAT"),
        ("wav", "DOUBLE"),
        ("wav", "MS_ADPCM"),
        ("flac", "PCM_24"),
        ("ogg", "VORBIS"),
        ("mp3", "MPEG_LAYER_III"),
    ],
)
def test_formats(load: Load, tmp_path: Path, suffix: str, subtype: str) -> None:
    save(tmp_path / f"1.{suffix}", tone(level=0.3, rate=16000), 16000, subtype)
    clip = only(load, tmp_path)
    assert heard(clip, 16000) == pytest.approx(500, abs=5)
    assert np.abs(clip).max() == pytest.approx(0.9, abs=1e-4)


@pytest.mark.parametrize(
    ("suffix", "kind", "subtype"),
    [
        ("au", "AU", None),
        ("snd", "AU", None),
        ("caf", "CAF", None),
        ("w64", "W64", None),
        ("aifc", "AIFF", "PCM_16"),
        ("oga", "OGG", "VORBIS"),
        ("opus", "OGG", "OPUS"),
        ("rf64", "RF64", None),
        ("voc", "VOC", None),
        ("sph", "NIST", None),
    ],
)
def test_every_format_that_libsndfile_opens(
    load: Load, tmp_path: Path, suffix: str, kind: str, subtype: str | None
) -> None:
    soundfile.write(tmp_path / f"1.{suffix}", tone(rate=16000), 16000, subtype, format=kind)
    assert heard(only(load, tmp_path, "--sampling_rate", "16000"), 16000) == pytest.approx(500, abs=5)


def test_other_files_are_counted_by_suffix(load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path / "set", ["1.wav", "2.wav"])
    for name in ("a.m4a", "b.m4a", "notes.txt"):
        (root / name).write_bytes(b"something else")
    save(root / "3.wav", silence(1))
    (root / "4.flac").write_bytes(b"damaged")
    train, _ = load("--train_data_dir", root)
    assert train.report.left_out == {
        "of other kinds": {".m4a": 2, ".txt": 1},
        "silent": {".wav": 1},
        "damaged": {".flac": 1},
    }
    assert "ffmpeg -i sound.m4a sound.wav" in capsys.readouterr().out


@pytest.mark.parametrize("rate", [4000, 7999, 11025, 22050, 44100, 48000, 96000])
def test_rates(load: Load, tmp_path: Path, rate: int) -> None:
    save(tmp_path / "1.wav", tone(rate=rate), rate)
    clip = only(load, tmp_path, "--sampling_rate", "8000")
    assert len(clip) == 8192
    assert heard(clip) == pytest.approx(500, abs=5)
    assert np.abs(clip[2100:]).max() == 0  # as long as before


@pytest.mark.parametrize(("own", "taken"), [(1000, 4000), (8000, 8000), (11025, 11025), (44100, 16000)])
def test_the_rate_is_that_of_the_first_sound_within_reason(load: Load, tmp_path: Path, own: int, taken: int) -> None:
    (tmp_path / "0.wav").write_text("not a sound")
    save(tmp_path / "1.wav", tone(pitch=200, rate=own), own)
    save(tmp_path / "2.wav", tone(pitch=200, rate=9000), 9000)
    train, _ = load("--train_data_dir", tmp_path)
    assert train.sampling_rate == taken
    assert [heard(clip, taken) for clip in train.audio] == pytest.approx([200, 200], abs=5)


def test_channels_are_averaged(load: Load, tmp_path: Path) -> None:
    left, right = tone(pitch=500), tone(pitch=1000, level=0.1)
    save(tmp_path / "1.wav", np.stack([left, right, right], 1))
    clip = only(load, tmp_path)[: len(left)]
    expected = (left + 2 * right) / np.abs(left + 2 * right).max() * 0.9
    assert np.allclose(clip, expected, atol=1e-3)


def test_clipped_sounds_and_floats_beyond_full_scale(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "a" / "1.wav", np.clip(tone(level=3), -1, 1))
    assert np.abs(only(load, tmp_path / "a")).max() == pytest.approx(0.9, abs=1e-4)
    save(tmp_path / "b" / "1.wav", tone(level=5), subtype="FLOAT")
    clip = only(load, tmp_path / "b")
    assert np.allclose(clip[:2000], tone(level=0.9), atol=1e-3)  # its shape is kept
    cut = only(load, tmp_path / "b", "--no-normalize")
    assert np.allclose(cut[:2000], np.clip(tone(level=5), -1, 1), atol=1e-4)


def test_levels_can_be_kept(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "1.wav", tone(level=0.05))
    assert np.abs(only(load, tmp_path, "--no-normalize")).max() == pytest.approx(0.05, abs=1e-3)


# Lengths


def test_short_sounds_are_followed_by_silence(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "1.wav", np.concatenate([silence(0.1), tone(0.2)]))
    clip = only(load, tmp_path)
    assert (clip[:800] == 0).all()  # as it came
    assert np.abs(clip[800:2400]).max() == pytest.approx(0.9, abs=1e-4)
    assert (clip[2400:] == 0).all()


def test_a_single_sample_is_a_sound(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "1.wav", np.array([0.0, 0.5]))
    assert only(load, tmp_path)[1] == pytest.approx(0.9, abs=1e-4)


def test_long_sounds_are_cropped_at_their_onset(load: Load, tmp_path: Path) -> None:
    hiss = 1e-3 * np.random.default_rng(0).standard_normal(8000)
    save(tmp_path / "1.wav", np.concatenate([hiss, tone(1.5)]))
    clip = only(load, tmp_path)
    assert len(clip) == 8192
    begin = int((np.abs(clip) > 0.1).argmax())
    assert 40 <= begin <= 160  # 5 to 20 ms of what comes before it
    assert np.abs(clip[begin:8000]).max() == pytest.approx(0.9, abs=1e-4)
    assert clip[-1] == 0  # no click
    assert np.abs(clip[-160:-80]).max() > 0.8


def test_a_late_onset_leaves_no_hole(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "1.wav", np.concatenate([silence(1.5), tone(0.3)]))
    clip = only(load, tmp_path)
    assert heard(clip[-2000:]) == pytest.approx(500, abs=5)
    assert (np.abs(clip[-2400:-200]).reshape(-1, 100).max(1) > 0.8).all()
    assert np.abs(clip[:-2400]).max() == 0


def test_a_steady_sound_is_cropped_at_its_beginning(load: Load, tmp_path: Path) -> None:
    sound = tone(2) * np.linspace(1, 0.2, 16000)
    save(tmp_path / "1.wav", sound)
    assert np.allclose(only(load, tmp_path)[:8000], sound[:8000] / np.abs(sound).max() * 0.9, atol=1e-3)


def test_the_first_minute_is_read(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "1.wav", np.concatenate([silence(60), tone(0.5)]))
    assert "None of the 1 file in" in refusal(load, "--train_data_dir", tmp_path, "--slice", "first")


def test_durations(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "1.wav", tone(0.1))
    train, _ = load("--train_data_dir", tmp_path, "--duration", "0.3")
    assert train.audio.shape == (1, 3072)
    seconds = str(3072 / 8000)
    assert load("--train_data_dir", tmp_path, "--duration", seconds)[0].audio.shape == (1, 3072)
    assert "at most 60" in refusal(load, "--train_data_dir", tmp_path, "--duration", "61")
    assert "at least 4000" in refusal(load, "--train_data_dir", tmp_path, "--sampling_rate", "3999")


# Recordings


def beeps(count: int, gap: float = 0.9) -> np.ndarray:
    """Short tones in silence, one a second, the first after a quarter of one."""
    return np.concatenate([silence(0.25), *([tone(0.1), silence(gap)] * count)])


def test_recordings_are_cut_evenly(load: Load, tmp_path: Path) -> None:
    recording = np.concatenate([tone(1.024, pitch=300 + 50 * k) for k in range(12)] + [tone(0.3)])
    save(tmp_path / "1.wav", recording)
    train, _ = load("--train_data_dir", tmp_path)  # a set of recordings is cut without being asked
    assert len(train) == 12
    assert [heard(clip) for clip in train.audio] == pytest.approx([300 + 50 * k for k in range(12)], abs=5)
    assert train.report.found["clips"] == "12 clips cut evenly from 1 recording"
    assert "they are cut evenly into clips; --slice onset" in train.report.notes[0]
    assert len(load("--train_data_dir", tmp_path, "--slice", "first")[0]) == 1
    longer, _ = load("--train_data_dir", tmp_path, "--slice", "even", "--duration", "2.048")
    assert len(longer) == 6
    assert len(load("--train_data_dir", tmp_path, "--slice", "even", "--sampling_rate", "16000")[0]) == 12


def test_clips_that_leave_most_of_the_sound_out_are_said(load: Load, tmp_path: Path) -> None:
    for k in range(3):
        save(tmp_path / f"{k}.wav", tone(4))
    train, _ = load("--train_data_dir", tmp_path)
    assert len(train) == 3
    (note,) = train.report.notes
    assert note.startswith("Up to 4 seconds in 3 of 3 files, and a clip has 1.024: one clip of each is used")
    assert "--slice even or --slice onset cuts them up, --duration lengthens the clips" in note
    assert not load("--train_data_dir", tmp_path, "--duration", "3")[0].report.notes


def test_recordings_are_cut_at_onsets(load: Load, tmp_path: Path) -> None:
    save(tmp_path / "1.wav", beeps(12))
    train, _ = load("--train_data_dir", tmp_path, "--slice", "onset", "--duration", "0.5")
    assert len(train) == 12
    begins = (np.abs(train.audio) > 3000).argmax(1)
    assert (begins < 0.02 * RATE).all()


def test_one_long_file_among_short_ones_is_said(load: Load, tmp_path: Path) -> None:
    folder(tmp_path, [f"{k}.wav" for k in range(3)])
    for k in range(9):
        save(tmp_path / f"long{k}.wav", tone(2))
    save(tmp_path / "recording.wav", tone(12))
    train, _ = load("--train_data_dir", tmp_path)
    assert len(train) == 13
    assert "Up to 12 seconds in 1 of 13 files" in train.report.notes[0]


@pytest.mark.parametrize("recordings", [2, 24])
def test_no_recording_lies_across_the_held_out_line_by_its_clips(load: Load, tmp_path: Path, recordings: int) -> None:
    for k in range(recordings):
        save(tmp_path / f"{k:02}.wav", np.concatenate([tone(0.128, 300 + 20 * j, 0.3) for j in range(40)]))
    train, test = load("--train_data_dir", tmp_path, "--slice", "even", "--duration", "0.128")
    assert len(train) + len(test) == 40 * recordings
    held = [round((heard(clip) - 300) / 20) for clip in test.audio]
    # the end of each of a few, or all of some of many
    assert held == [*range(36, 40)] * 2 if recordings == 2 else held == [*range(40)] * 2


# metadata.csv

SPOKEN = [
    ("file_name", "label", "speaker"),
    *((f"{k}.wav", str(k % 11), "theo" if k % 3 else "Lucas") for k in range(24)),
]


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Twenty-four numbers from 0 to 10, spoken by Lucas and Theo, and one sound that nobody knows."""
    root = folder(tmp_path / "spoken", [f"{k}.wav" for k in range(25)])
    return table(root, *SPOKEN)


def test_columns_of_a_table(load: Load, spoken: Path) -> None:
    train, test = load("--train_data_dir", spoken, "--label_column", "label", "speaker")
    names = {"label": [str(k) for k in range(11)], "speaker": ["Lucas", "theo"]}
    assert train.label_names == test.label_names == names
    assert (len(train), len(test)) == (22, 2)
    assert train.labels is not None and test.labels is not None
    for part in (train, test):
        assert part.labels is not None
        for clip, (digit, speaker) in zip(part.audio, part.labels.tolist()):
            k = round((heard(clip[:400]) - 300) / 40)
            assert (digit, speaker) == (k % 11, 1 if k % 3 else 0)
    other, _ = load("--train_data_dir", spoken, "--label_column", "speaker")
    assert other.label_names == {"speaker": ["Lucas", "theo"]}
    assert load("--train_data_dir", spoken)[0].label_names == {"label": names["label"]}
    assert load("--train_data_dir", spoken, "--unconditional", "--max_train_samples", "5")[0].labels is None


def test_tables_in_other_words(load: Load, spoken: Path) -> None:
    text = (spoken / "metadata.csv").read_text().replace("label", "digit")
    (spoken / "metadata.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert load("--train_data_dir", spoken)[0].labels is None  # only a column called `label` is taken unasked
    assert load("--train_data_dir", spoken, "--label_column", "digit")[0].label_names is not None


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([("file", "label"), ("1.wav", "a")], ["no column file_name", "file, label"]),
        ([], ["no column file_name"]),
        ([("file_name", "label")], ["lists no files"]),
        ([("file_name", "label"), ("1.wav", "a"), ("seven.wav", "b")], ["'seven.wav'", "row 2", "not there"]),
        ([("file_name", "label"), ("", "a")], ["row 1"]),
        ([("file_name", "label"), ("1.wav", "a"), ("2.wav", "")], ["no label", "2.wav"]),
        ([("file_name", "label"), ("1.wav", "a"), ("2.wav",)], ["no label", "2.wav"]),
    ],
)
def test_tables_that_do_not_work(load: Load, tmp_path: Path, rows: list[Any], named: list[str]) -> None:
    table(folder(tmp_path, ["1.wav", "2.wav"]), *rows)
    said = refusal(load, "--train_data_dir", tmp_path)
    for words in [str(tmp_path / "metadata.csv"), *named]:
        assert words in said


def test_a_table_that_is_none(load: Load, tmp_path: Path) -> None:
    folder(tmp_path, ["1.wav"])
    (tmp_path / "metadata.csv").write_bytes(b"file_name,label\n1.wav,\xe9\xff\n")
    assert "UTF-8" in refusal(load, "--train_data_dir", tmp_path)


def test_columns_that_are_not_there(load: Load, spoken: Path, tmp_path: Path) -> None:
    said = refusal(load, "--train_data_dir", spoken, "--label_column", "label", "mood")
    assert "'mood'" in said and "file_name, label, speaker" in said
    zoo = folder(tmp_path / "zoo", ["cat/1.wav", "dog/1.wav"])
    assert "no metadata.csv" in refusal(load, "--train_data_dir", zoo, "--label_column", "mood")


def test_splits_with_a_table_each(load: Load, tmp_path: Path) -> None:
    for split, count in (("train", 6), ("test", 2)):
        root = folder(tmp_path / "set" / split, [f"{k}.wav" for k in range(count)])
        table(root, ("file_name", "label"), *((f"{k}.wav", "ab"[k % 2]) for k in range(count)))
    train, test = load("--train_data_dir", tmp_path / "set")
    assert (len(train), train.split, len(test), test.split) == (6, "train", 2, "test")
    assert train.label_names == test.label_names == {"label": ["a", "b"]}
    assert test.labels is not None and test.labels.tolist() == [[0], [1]]


def test_lines_of_json_beside_sounds(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", ["1.wav", "2.wav", "3.wav"])
    lines = [
        {"sound": f" {k}.wav", "mood": mood, "speaker": 2} for k, mood in ((1, "calm"), (2, " calm"), (3, "wild"))
    ]
    (root / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    train, _ = load("--train_data_dir", root, "--audio_column", "sound", "--label_column", "mood", "speaker")
    assert train.label_names == {"mood": ["calm", "wild"], "speaker": ["2"]}


# Held-out clips


def test_a_tenth_is_held_out(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", [f"{kind}/{k:02}.wav" for kind in "ab" for k in range(20)])
    train, test = load("--train_data_dir", root)
    assert (len(train), len(test)) == (36, 4)
    assert test.split == "held-out tenth"
    assert "without" in train.split
    seen, held = ({clip.tobytes() for clip in part.audio} for part in (train, test))
    assert len(seen | held) == 40
    again = load("--train_data_dir", root, "--seed", "5")  # always the same ones: figures of runs can be compared
    assert np.array_equal(again[1].audio, test.audio)
    assert train.label_names == test.label_names == {"label": ["a", "b"]}
    part, _ = load("--train_data_dir", root, "--max_train_samples", "15")
    assert len(part) == 15
    assert part.label_names == {"label": ["a", "b"]}


def test_the_fingerprint_is_of_every_sample_and_label(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", ["a/1.wav", "a/2.wav", "b/1.wav"])
    train, _ = load("--train_data_dir", root)
    fingerprint = train.fingerprint()
    assert len(fingerprint) == 16
    assert load("--train_data_dir", root)[0].fingerprint() == fingerprint
    train.audio[2, 77] ^= 1
    assert train.fingerprint() != fingerprint
    train.audio[2, 77] ^= 1
    assert train.labels is not None
    train.labels[0] = 1
    assert train.fingerprint() != fingerprint
    assert load("--train_data_dir", root, "--unconditional")[0].fingerprint() != fingerprint
    part = train.take(np.array([2, 0]), "some")
    assert np.array_equal(part.audio, train.audio[[2, 0]])
    assert part.labels is not None and part.labels.tolist() == [[1], [1]]
    assert (part.split, part.name, part.sampling_rate) == ("some", "set", 8000)


# Data sets as on the Hub

DIGITS = {"label": ClassLabel(names=["zero", "one", "two"]), "speaker": Value("string")}


def encoded(k: int) -> dict[str, Any]:
    """A sound in memory, as Hub data sets have them."""
    file = io.BytesIO()
    soundfile.write(file, tone(0.05, pitch=300 + 40 * k), RATE, format="WAV")
    return {"bytes": file.getvalue(), "path": f"{k}.wav"}


SOUNDS = [encoded(k) for k in range(24)]


def dataset(root: Path, features: dict[str, Any], split: str = "train", **columns: Any) -> Path:
    """Writes a split as the Hub keeps it, with its sounds in a column `audio`, and returns the folder."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    sound = {"bytes": Value("binary"), "path": Value("string")}
    rows = datasets.Dataset.from_dict(columns, features=datasets.Features({"audio": sound} | features))
    undecoded = rows.cast_column("audio", datasets.Audio(decode=False))
    undecoded.to_parquet(root / "data" / f"{split}-00000-of-00001.parquet")
    return root


def test_a_local_data_set(load: Load, tmp_path: Path) -> None:
    speakers = ["theo" if k % 2 else "ada" for k in range(24)]
    root = dataset(tmp_path / "digits", DIGITS, audio=SOUNDS, label=[k % 3 for k in range(24)], speaker=speakers)
    dataset(root, DIGITS, "test", audio=SOUNDS[:3], label=[2, 1, 2], speaker=["theo"] * 3)  # never "zero" nor ada
    train, test = load("--dataset_name", root, "--label_column", "label", "speaker")
    assert (len(train), len(test), train.split, test.split, train.name) == (24, 3, "train", "test", "digits")
    assert train.label_names == {"label": ["zero", "one", "two"], "speaker": ["ada", "theo"]}
    assert test.label_names == train.label_names
    assert train.labels is not None and test.labels is not None
    assert train.labels.tolist() == [[k % 3, k % 2] for k in range(24)]
    assert test.labels.tolist() == [[2, 1], [1, 1], [2, 1]]
    assert heard(train.audio[7][:400]) == pytest.approx(580, abs=20)
    assert load("--dataset_name", root)[0].label_names == {"label": ["zero", "one", "two"]}
    assert load("--dataset_name", root, "--unconditional")[1].labels is None
    part, whole = load("--dataset_name", root, "--max_train_samples", "10", "--sampling_rate", "4000")
    assert (len(part), len(whole), whole.sampling_rate) == (10, 3, 4000)


def test_a_test_split_with_unknown_classes_is_of_no_use(load: Load, tmp_path: Path) -> None:
    features = {"label": Value("int64")}
    root = dataset(tmp_path / "digits", features, audio=SOUNDS, label=[10 if k % 2 else 9 for k in range(24)])
    dataset(root, features, "test", audio=SOUNDS[:2], label=[9, 8])
    train, test = load("--dataset_name", root)
    assert train.label_names == {"label": ["9", "10"]}
    assert test.split == "held-out tenth"


def test_a_test_split_without_labels_is_of_no_use(load: Load, tmp_path: Path) -> None:
    features = {"label": DIGITS["label"]}
    root = dataset(tmp_path / "digits", features, audio=SOUNDS, label=[k % 3 for k in range(24)])
    dataset(root, features, "test", audio=SOUNDS[:2], label=[-1, -1])
    assert load("--dataset_name", root)[1].split == "held-out tenth"


def test_clips_without_a_class(load: Load, tmp_path: Path) -> None:
    root = dataset(tmp_path / "digits", {"label": Value("string")}, audio=SOUNDS[:3], label=["a", None, "b"])
    said = refusal(load, "--dataset_name", root)
    assert "no class for 1 of the 3 sounds" in said and "--unconditional" in said
    assert len(load("--dataset_name", root, "--unconditional")[0]) == 3


def test_sounds_that_are_missing_or_damaged(load: Load, tmp_path: Path) -> None:
    damaged = [None, {"bytes": b"RIFF", "path": "x.wav"}, {"bytes": None, "path": None}, SOUNDS[0]]
    train, _ = load("--dataset_name", dataset(tmp_path / "digits", {}, audio=damaged))
    assert (len(train), train.skipped) == (1, 3)


def test_wrong_columns(load: Load, tmp_path: Path) -> None:
    features = {"label": Value("string"), "boxes": datasets.List(Value("int64")), "number": Value("int64")}
    root = dataset(tmp_path / "d", features, audio=SOUNDS[:2], label=["a", "b"], boxes=[[1], [2]], number=[1, 2])
    for flag in ("--audio_column", "--label_column"):
        said = refusal(load, "--dataset_name", root, flag, "sound")
        assert "'sound'" in said
        assert "audio, label, boxes" in said
        assert flag in said
        assert "'boxes'" in refusal(load, "--dataset_name", root, flag, "boxes")
    assert "holds no sounds" in refusal(load, "--dataset_name", root, "--audio_column", "number")


def test_sounds_beside_a_table_in_a_data_set(load: Load, tmp_path: Path) -> None:
    for split, count in (("train", 12), ("test", 3)):
        root = folder(tmp_path / "numbers" / split, [f"{k}.wav" for k in range(count)])
        table(root, ("file_name", "label", "speaker"), *((f"{k}.wav", str(k), "ada") for k in range(count)))
    (tmp_path / "numbers" / "train" / "5.wav").write_text("not a sound")
    train, test = load("--dataset_name", tmp_path / "numbers", "--label_column", "label", "speaker")
    assert (len(train), len(test), train.skipped) == (11, 3, 1)
    there = [str(k) for k in range(12) if k != 5]  # no clip of five can be read
    assert train.label_names == {"label": there, "speaker": ["ada"]}
    assert train.labels is not None and train.labels.tolist() == [[k, 0] for k in range(11)]
    assert heard(train.audio[-1][:400]) == pytest.approx(300 + 40 * 11, abs=20)


def test_tables_that_do_not_work_in_a_data_set(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "numbers" / "train", ["1.wav", "2.wav"])
    table(root, ("file", "label"), ("1.wav", "a"))
    assert "`file_name`" in refusal(load, "--dataset_name", tmp_path / "numbers")
    table(root, ("file_name", "label"), ("../../1.wav", "a"))
    assert "'../../1.wav'" in refusal(load, "--dataset_name", tmp_path / "numbers")


# Drums


def test_drums_are_the_default(load: Load) -> None:
    small = ("--sampling_rate", "4000", "--duration", "0.1", "--max_train_samples", "22")
    train, test = load(*small)
    assert train.audio.shape == (22, 512)
    assert (train.name, train.split, train.sampling_rate, train.license) == ("drums", "train", 4000, "apache-2.0")
    assert train.label_names is not None and "kick" in train.label_names["label"]
    assert train.labels is not None and train.labels.shape == (22, 1)
    assert len(test) > len(train)
    assert not np.array_equal(test.audio[:22], train.audio)
    assert load(*small, "--unconditional")[0].labels is None


@pytest.mark.parametrize("cutting", ["first", "even"])
def test_channels_that_cancel_each_other_out(load: Load, tmp_path: Path, cutting: str) -> None:
    for k in range(3):
        sound = tone(0.25, 400 + 100 * k)
        save(tmp_path / "set" / f"{k}.wav", np.stack([sound, -sound], axis=1))
    train, _ = load("--train_data_dir", tmp_path / "set", "--duration", "0.25", "--slice", cutting)
    assert len(train) == 3 and abs(heard(train.audio[1]) - 500) < 5
