"""All randomness and all ids are pure hashes of their places."""

from __future__ import annotations

import pytest

from mockllm.core.randomness import BASE62, HEX, Ids, Randomness


def test_equal_positions_draw_the_same() -> None:
    assert Randomness(0, "a.yaml:r", "", 3).uniform("chance") == Randomness(0, "a.yaml:r", "", 3).uniform(
        "chance"
    )
    one, two = (Randomness(0, "a.yaml:r", "", 3).random("pace") for _ in range(2))
    assert [one.random() for _ in range(5)] == [two.random() for _ in range(5)]


def test_draws_depend_on_every_part_of_the_position() -> None:
    places = [
        (Randomness(0, "r", "", 0), "x"),
        (Randomness(1, "r", "", 0), "x"),
        (Randomness(0, "s", "", 0), "x"),
        (Randomness(0, "r", "k", 0), "x"),
        (Randomness(0, "r", "", 1), "x"),
        (Randomness(0, "r", "", 0), "y"),
    ]
    assert len({chance.uniform(place) for chance, place in places}) == len(places)
    assert len({chance.random(place).random() for chance, place in places}) == len(places)


def test_draws_are_spread_evenly_from_0_to_1() -> None:
    drawn = [Randomness(0, "r", "", tries).uniform("x") for tries in range(10_000)]
    assert all(0 <= number < 1 for number in drawn)
    for tenth in range(10):
        assert 900 < sum(tenth / 10 <= number < (tenth + 1) / 10 for number in drawn) < 1100


@pytest.mark.parametrize(("length", "alphabet"), [(1, BASE62), (29, BASE62), (64, BASE62), (32, HEX)])
def test_an_id_has_its_prefix_length_and_alphabet(length: int, alphabet: bytes) -> None:
    built = Ids(0, "", 0).make("msg_", length, "place", alphabet)
    assert built.startswith("msg_")
    assert len(built) == 4 + length
    assert set(built[4:]) <= set(alphabet.decode())


def test_equal_ids_need_equal_parts() -> None:
    ids = [Ids(0, "", 0), Ids(1, "", 0), Ids(0, "k", 0), Ids(0, "", 1)]
    built = [each.make("a-", 24) for each in ids] + [ids[0].make("b-", 24), ids[0].make("a-", 24, "place")]
    assert len({name[2:] for name in built}) == len(built)
    assert ids[0].make("a-", 24) == built[0]
