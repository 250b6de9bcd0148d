"""Two counts of each rule and modifier in each scope: tries, by which chance and choose draw, and answers, by
which times, skip, every and sequence go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.language.playing import Game, chat, play, rules, texts

MANY = [chat()] * 40


def won(yaml: str, name: str = "it", count: int = 40) -> str:
    return "".join("1" if rule == name else "0" for rule in rules(yaml, *[chat()] * count))


CHANCE = "{name: it, chance: 50%, reply: x}"
OTHER = "{name: other, reply: y}"


def test_chance_draws_by_tries_so_that_a_lost_draw_moves_on() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    assert 5 < drawn.count("1") < 35
    assert "01" in drawn
    assert "10" in drawn


def test_a_try_is_counted_only_where_the_rule_was_reached() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    behind = won(f"rules: [{{name: first, times: 3, reply: z}}, {CHANCE}, {OTHER}]")
    assert behind == "000" + drawn[:-3]


def test_and_only_where_its_match_held() -> None:
    yaml = f"rules: [{CHANCE.replace('it,', 'it, match: {user: hi},')}, {OTHER}]"
    mixed = [chat() if number % 2 else chat("else") for number in range(80)]
    heard = rules(yaml, *mixed)[1::2]
    assert "".join("1" if rule == "it" else "0" for rule in heard) == won(f"rules: [{CHANCE}, {OTHER}]")


def test_a_turn_that_chance_spared_is_not_counted_by_every() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    second = iter("01" * 40)
    expected = "".join(next(second) if turn == "1" else "0" for turn in drawn)
    assert won(f"rules: [{CHANCE.replace('it,', 'it, every: 2,')}, {OTHER}]") == expected


def test_nor_by_times_and_skip() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    turns = iter("0" * 2 + "1" * 3 + "0" * 40)
    expected = "".join(next(turns) if turn == "1" else "0" for turn in drawn)
    assert won(f"rules: [{CHANCE.replace('it,', 'it, skip: 2, times: 3,')}, {OTHER}]") == expected


def test_nor_by_a_sequence() -> None:
    yaml = "rules: [{name: it, chance: 50%, sequence: [a, b, c, d], then: fall_through}, {reply: '-'}]"
    assert "".join(texts(yaml, *MANY)).replace("-", "") == "abcd"


def test_choose_draws_by_tries_and_not_by_answers() -> None:
    choice = "choose: [a, b, c]"
    drawn = texts(f"rules: [{{name: it, {choice}}}]", *MANY)
    every = texts(f"rules: [{{name: it, every: 2, {choice}}}, {{reply: '-'}}]", *MANY)
    assert every[1::2] == drawn[1::2]
    assert set(drawn) == {"a", "b", "c"}


def test_modifiers_count_answers_where_they_applied() -> None:
    yaml = "rules: [{reply: x}]\nmodifiers: [{name: m, match: {user: hi}, skip: 1, times: 1, delay: 1s}]"
    heard = play(yaml, chat(), chat("else"), chat(), chat())
    assert [each.delay for each in heard] == [0, 0, 1, 0]


def test_each_scope_has_both_counts_of_its_own() -> None:
    yaml = "rules: [{name: it, per: api_key, chance: 50%, times: 2, reply: x}, {reply: y}]"
    alone = rules(yaml, *[chat(key="a")] * 20)
    mixed = rules(yaml, *[chat(key="ab"[number % 2]) for number in range(40)])
    assert mixed[::2] == alone


def test_a_peek_counts_nothing() -> None:
    game = Game("rules: [{name: it, times: 1, reply: x}, {name: other, reply: y}]")
    asked = game.engine.read("POST", "/v1/chat/completions", "", {}, chat().body, "::1", 0.0)
    for _ in range(3):
        peeked = game.engine.peek(asked).decision.rule
        assert peeked is not None
        assert peeked.candidate.draws == "a.yaml:it"
    assert game.hear(chat()).rule == "it"


def test_counting_and_choosing_are_one_act() -> None:
    """However requests come together, each step of a sequence answers its times."""
    game = Game("rules: [{sequence: [{reply: a, times: 25}, {reply: b, times: 25}], then: error}]")
    with ThreadPoolExecutor(1) as one_at_a_time:  # as on an event loop
        said = list(one_at_a_time.map(lambda _: game.hear(chat()).bytes, range(60)))
    assert sum(b'"content": "a"' in each for each in said) == 25
    assert sum(b'"content": "b"' in each for each in said) == 25
