"""What `training.json` says."""

from gan.training.record import shown_command


def test_the_command_tells_no_folder_and_no_token() -> None:
    words = ["image", "--train_data_dir", "/home/ada/my faces", "--hub_token", "hf_secret", "--output_dir=/tmp/out"]
    shown = shown_command("train.py", words)
    assert shown == "accelerate launch train.py image --train_data_dir 'my faces' --output_dir=out"
    assert shown_command("-m gan.training", ["text"]) == "accelerate launch -m gan.training text"
    assert words[4] == "hf_secret"
