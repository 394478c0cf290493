"""What becomes of the agent's sentences when the caller speaks; each pain that users of voice agents tell of."""

from __future__ import annotations

import pytest

from ari_app.voice.playlist import BACK_SECONDS, BYTES_PER_SECOND, MOST, Playlist, Rendering, Sentence
from ari_app.voice.protocol import Play

pytestmark = pytest.mark.unit

SECOND = BYTES_PER_SECOND


def sentence(id: int, *, turn: int = 0, interruptible: bool = True, sent: float = 0) -> Sentence:
    """Four seconds long."""
    rendering = Rendering(bytearray(4 * SECOND), is_whole=True)
    return Sentence(Play(id, f"sentence {id}", "en", interruptible, turn), rendering, int(sent * SECOND))


def playing(*sentences: Sentence) -> Playlist:
    playlist = Playlist()
    for one in sentences:
        assert playlist.add(one, 0) == []
    return playlist


def test_after_a_cough_the_sentence_goes_on_a_little_before_where_it_stopped() -> None:
    playlist = playing(sentence(1, sent=3), sentence(2))
    assert playlist.began(1, 2 * SECOND, 10.0)
    assert playlist.current is None
    assert playlist.ended(10.5, with_words=False) == []
    assert playlist.current is not None
    assert playlist.current.play.id == 1
    assert playlist.current.sent == 2 * SECOND - int(BACK_SECONDS * SECOND)


def test_after_words_everything_that_was_to_be_said_is_over() -> None:
    playlist = playing(sentence(1, sent=3), sentence(2))
    playlist.began(1, 2 * SECOND, 10.0)
    first, second = playlist.ended(11.5, with_words=True)
    assert (first.id, first.was_cut, first.share, first.ended) == (1, True, 0.5, 10.0)
    assert (second.id, second.was_cut, second.share) == (2, True, 0.0)
    assert playlist.current is None
    assert len(playlist) == 0


def test_a_reply_to_an_earlier_turn_is_not_said_any_more() -> None:
    playlist = playing()
    for turn in (1, 2):
        playlist.began(turn, 0, 10.0)
        playlist.ended(11.0, with_words=True)
    [late] = playlist.add(sentence(1, turn=1), 11.1)
    assert (late.was_cut, late.share) == (True, 0.0)
    assert playlist.add(sentence(2, turn=2), 11.2) == []
    assert playlist.current is not None
    assert playlist.current.play.id == 2


def test_of_two_replies_one_is_heard_and_the_other_is_said_to_be_over() -> None:
    """The reply to the first turn comes while the caller says more, which turns out to be words."""
    playlist = playing()
    playlist.began(1, 0, 1.0)
    playlist.ended(2.0, with_words=True)
    playlist.began(2, 0, 2.5)
    assert playlist.add(sentence(1, turn=1), 2.6) == []
    assert playlist.current is None
    assert [one.id for one in playlist.ended(3.0, with_words=True)] == [1]
    assert playlist.add(sentence(2, turn=2), 3.1) == []
    assert playlist.current is not None
    assert playlist.current.play.id == 2


def test_a_reply_that_comes_during_a_cough_is_said_after_it() -> None:
    playlist = playing()
    playlist.began(1, 0, 1.0)
    playlist.ended(2.0, with_words=True)
    playlist.began(2, 0, 2.5)
    playlist.add(sentence(1, turn=1), 2.6)
    playlist.ended(3.0, with_words=False)
    assert playlist.current is not None
    assert playlist.current.play.id == 1


def test_what_may_not_be_interrupted_is_heard_to_its_end() -> None:
    playlist = playing(sentence(1, interruptible=False, sent=3), sentence(2))
    assert not playlist.began(1, 2 * SECOND, 10.0)
    assert playlist.current is not None
    assert playlist.current.sent == 3 * SECOND
    assert [one.id for one in playlist.ended(11.0, with_words=True)] == [2]
    assert playlist.current.play.id == 1
    assert not playlist.finished(12.0).was_cut


def test_after_what_may_not_be_interrupted_the_rest_waits_while_the_caller_speaks() -> None:
    playlist = playing(sentence(1, interruptible=False), sentence(2))
    playlist.began(1, SECOND, 10.0)
    playlist.finished(11.0)
    assert playlist.current is None


def test_an_emergency_is_said_even_if_the_caller_goes_on() -> None:
    playlist = playing()
    for turn in (1, 2):
        playlist.began(turn, 0, 1.0)
        playlist.ended(2.0, with_words=True)
    assert playlist.add(sentence(1, turn=1, interruptible=False), 3.0) == []


def test_stop_ends_even_what_may_not_be_interrupted() -> None:
    playlist = playing(sentence(1, interruptible=False, sent=2), sentence(2))
    first, second = playlist.stopped(5.0, SECOND)
    assert (first.id, first.was_cut, first.share) == (1, True, 0.25)
    assert (second.id, second.share) == (2, 0.0)
    assert playlist.current is None


def test_more_than_a_caller_would_hear_is_not_kept() -> None:
    playlist = playing(*(sentence(id) for id in range(MOST)))
    assert [one.id for one in playlist.add(sentence(99), 1.0)] == [99]
    assert len(playlist) == MOST
