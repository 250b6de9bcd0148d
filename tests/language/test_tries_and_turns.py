"""The two counts of each rule and modifier in each scope: tries, which chance and choose draw by, and turns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.language.virtual_server import VirtualServer, chat_request, respond_all, response_texts, rule_names

MANY = [chat_request()] * 40


def won(yaml: str, name: str = "it", count: int = 40) -> str:
    return "".join("1" if rule == name else "0" for rule in rule_names(yaml, *[chat_request()] * count))


CHANCE = "{name: it, chance: 50%, reply: x}"
OTHER = "{name: other, reply: y}"


def test_chance_draws_by_tries() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    assert 5 < drawn.count("1") < 35
    assert "01" in drawn
    assert "10" in drawn


def test_try_is_counted_if_rule_is_reached() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    behind = won(f"rules: [{{name: first, times: 3, reply: z}}, {CHANCE}, {OTHER}]")
    assert behind == "000" + drawn[:-3]


def test_try_is_counted_if_match_matches() -> None:
    yaml = f"rules: [{CHANCE.replace('it,', 'it, match: {user: hi},')}, {OTHER}]"
    mixed = [chat_request() if number % 2 else chat_request("else") for number in range(80)]
    responses = rule_names(yaml, *mixed)[1::2]
    assert "".join("1" if rule == "it" else "0" for rule in responses) == won(f"rules: [{CHANCE}, {OTHER}]")


def test_lost_chance_is_not_counted_by_every() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    second = iter("01" * 40)
    expected = "".join(next(second) if turn == "1" else "0" for turn in drawn)
    assert won(f"rules: [{CHANCE.replace('it,', 'it, every: 2,')}, {OTHER}]") == expected


def test_lost_chance_is_not_counted_by_times_and_skip() -> None:
    drawn = won(f"rules: [{CHANCE}, {OTHER}]")
    turns = iter("0" * 2 + "1" * 3 + "0" * 40)
    expected = "".join(next(turns) if turn == "1" else "0" for turn in drawn)
    assert won(f"rules: [{CHANCE.replace('it,', 'it, skip: 2, times: 3,')}, {OTHER}]") == expected


def test_lost_chance_is_not_counted_by_sequence() -> None:
    yaml = "rules: [{name: it, chance: 50%, sequence: [a, b, c, d], then: fall_through}, {reply: '-'}]"
    assert "".join(response_texts(yaml, *MANY)).replace("-", "") == "abcd"


def test_choose_draws_by_tries() -> None:
    choice = "choose: [a, b, c]"
    drawn = response_texts(f"rules: [{{name: it, {choice}}}]", *MANY)
    every = response_texts(f"rules: [{{name: it, every: 2, {choice}}}, {{reply: '-'}}]", *MANY)
    assert every[1::2] == drawn[1::2]
    assert set(drawn) == {"a", "b", "c"}


def test_modifiers_count_turns_if_applied() -> None:
    yaml = "rules: [{reply: x}]\nmodifiers: [{name: m, match: {user: hi}, skip: 1, times: 1, delay: 1s}]"
    responses = respond_all(yaml, chat_request(), chat_request("else"), chat_request(), chat_request())
    assert [each.delay for each in responses] == [0, 0, 1, 0]


def test_each_scope_has_tries_and_turns() -> None:
    yaml = "rules: [{name: it, per: api_key, chance: 50%, times: 2, reply: x}, {reply: y}]"
    alone = rule_names(yaml, *[chat_request(key="a")] * 20)
    mixed = rule_names(yaml, *[chat_request(key="ab"[number % 2]) for number in range(40)])
    assert mixed[::2] == alone


def test_preview_counts_nothing() -> None:
    server = VirtualServer("rules: [{name: it, times: 1, reply: x}, {name: other, reply: y}]")
    sent = server.engine.read("POST", "/v1/chat/completions", "", {}, chat_request().body, "::1", 0.0)
    for _ in range(3):
        peeked = server.engine.preview(sent).decision.selected_rule
        assert peeked is not None
        assert peeked.candidate.random_key == "a.yaml:it"
    assert server.respond(chat_request()).rule == "it"


def test_decide_counts_and_selects_atomically() -> None:
    """However requests come together, each step of a sequence responds its times."""
    server = VirtualServer("rules: [{sequence: [{reply: a, times: 25}, {reply: b, times: 25}], then: error}]")
    with ThreadPoolExecutor(1) as one_at_a_time:  # as on an event loop
        message = list(one_at_a_time.map(lambda _: server.respond(chat_request()).bytes, range(60)))
    assert sum(b'"content": "a"' in each for each in message) == 25
    assert sum(b'"content": "b"' in each for each in message) == 25
