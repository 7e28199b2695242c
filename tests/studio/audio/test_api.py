"""The endpoints of audio models, called over HTTP by the real client."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from gradio_client import Client
from gradio_client.exceptions import AppError

from gan.studio.audio.generate import (
    PADS,
)


def samples(wav):
    """The samples of a WAV file's bytes, whole numbers."""
    with soundfile.SoundFile(io.BytesIO(wav)) as file:
        assert (file.format, file.subtype, file.channels) == ("WAV", "PCM_16", 1)
        return file.read(dtype="int16")


def whole(audio):
    """Samples in [-1, 1], as sixteen bits hold them."""
    return np.clip(np.asarray(audio).reshape(-1) * 32768, -32768, 32767)


def close(wav, audio):
    return np.abs(samples(wav) - whole(audio)).max() <= 1


@pytest.fixture(scope="module")
def client(audio_address, tmp_path_factory):
    return Client(audio_address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_clips_over_http(client, audio_registry):
    pipeline = audio_registry.get("voices")
    files, facts = client.predict("voices", 40, 3, 0.7, "two, ann", api_name="/generate_audio")
    direct = pipeline(40, 3, truncation=0.7, label="two, ann")
    assert facts == [{"seed": seed, "label": "two, ann"} for seed in (40, 41, 42)]
    assert [Path(file).name for file in files] == [f"voices_seed-{seed}_two-ann_psi-0.7.wav" for seed in (40, 41, 42)]
    assert all(close(Path(file).read_bytes(), audio) for file, audio in zip(files, direct.audios, strict=True))
    # what is left out is one clip of the first model that sounds
    (file,), _ = client.predict(api_name="/generate_audio")
    assert close(Path(file).read_bytes(), pipeline().audios[0])


def test_steered_clips_over_http(client, audio_registry):
    edits = {"component 2": -1.5}
    (file,), _ = client.predict("hits", 7, label="kick", edits=edits, api_name="/generate_audio")
    assert close(Path(file).read_bytes(), audio_registry.get("hits").edit(7, edits, "kick").audios[0])
    (file,), _ = client.predict("hits", 7, layers="fine", other_seed=9, api_name="/generate_audio")
    assert close(Path(file).read_bytes(), audio_registry.get("hits").mix(7, 9, "fine").audios[0])


def test_an_interpolation_and_a_kit_over_http(client, audio_registry):
    files, facts = client.predict("hits", 3, 9, 3, "kick", 1.0, api_name="/interpolate_audio")
    assert facts == [{"label": "kick", "share": share} for share in (0, 0.5, 1)]
    direct = audio_registry.get("hits").interpolate(3, 9, 3, label="kick")
    assert all(close(Path(file).read_bytes(), audio) for file, audio in zip(files, direct.audios, strict=True))
    path = client.predict("hits", 20, 0.9, api_name="/drum_kit")
    with zipfile.ZipFile(path) as folder:
        names = folder.namelist()
        assert names[0] == "01-kick-seed20.wav" and names[15] == "16-closed-hat-seed35.wav" and len(names) == PADS
        alone = audio_registry.get("hits")(26, truncation=0.9, label="snare").audios[0]
        assert close(folder.read("07-snare-seed26.wav"), alone)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/generate_audio", {"model": "blots"}, "blots makes images, not clips"),
        ("/generate_audio", {"model": "voices", "label": "four"}, "this model knows label: one, two"),
        ("/generate_audio", {"model": "voices", "num_samples": 17}, "ask for 1 to 16"),
        ("/generate_audio", {"model": "voices", "seed": None}, "must be numbers"),
        ("/generate_audio", {"model": "hits", "critic_steps": 2}, "has no discriminator"),
        ("/generate_audio", {"model": "hits", "edits": {"beauty": 1}}, "There is no direction 'beauty'"),
        ("/interpolate_audio", {"model": "hits", "steps": 99}, "ask for 2 to 32"),
        ("/drum_kit", {"model": "hits", "seed": -3}, "not a whole number from 0"),
        ("/drum_kit", {"model": "nothing"}, "There is no model 'nothing'"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(client, endpoint, arguments, message):
    with pytest.raises(AppError, match=message):
        client.predict(api_name=endpoint, **arguments)
