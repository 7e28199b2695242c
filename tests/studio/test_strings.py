"""The words of the page."""

from gan.studio.strings import EN, ZH


def test_both_languages_say_everything():
    assert EN.keys() == ZH.keys()
