"""Values of a conversation in generated values: which field takes which, and that all others are as without it."""

from __future__ import annotations

from random import Random
from typing import Any

import jsonschema_rs
import pytest

from mockllm.core.schema_values.conversation import ConversationTexts, entities_of_each
from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.realistic import MAX_CACHED_LENGTH
from mockllm.core.schema_values.text_entities import TextEntities

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
UNITS = {"enum": ["celsius", "fahrenheit"]}


def form(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def fitted(question: str, schema: Any, *results: str, earlier: tuple[str, ...] = ()) -> Any:
    """Return the fields that have values from a conversation, with them."""
    conversation = ConversationTexts(question, results, earlier)
    generated = generate(schema, Random(1), conversation=conversation)
    assert generated.flaw is None
    assert jsonschema_rs.is_valid(schema, generated.value)
    return {name: generated.value[name] for name in generated.taken if name in generated.value}


@pytest.mark.parametrize(
    ("question", "schema", "values"),
    [
        ("what is 3 plus 4, use the tool", form(a=WHOLE, b=WHOLE), {"a": 3, "b": 4}),
        ("three plus four", form(a=WHOLE, b=WHOLE), {"a": 3, "b": 4}),
        ("Multiply 3.5 by -2", form(x=NUMBER, y=NUMBER), {"x": 3.5, "y": -2}),
        ("in 3 days pay $1,200.50", form(amount=NUMBER, days=WHOLE), {"amount": 1200.5, "days": 3}),
        ("set limit 5 page 2", form(page=WHOLE, limit=WHOLE), {"page": 2, "limit": 5}),
        ("5 guests 3 nights", form(nights=WHOLE, guests=WHOLE), {"nights": 3, "guests": 5}),
        ("3 apples and 5 oranges", form(apples=WHOLE, oranges=WHOLE), {"apples": 3, "oranges": 5}),
        ("n=7, then 9", form(n=WHOLE), {"n": 7}),
        ("the price is $9.50", form(price=NUMBER), {"price": 9.5}),
        ("1000 times", form(confidence=NUMBER), {}),
        ("3.5 of them", form(number=WHOLE), {}),
        ("12 or so", form(day={"type": "integer", "maximum": 7}), {}),
        ("sum of 1, 2 and 3", form(numbers={"type": "array", "items": WHOLE}), {"numbers": [1, 2, 3]}),
        ("add 1, 2", {"properties": {"n": {"type": "array", "items": WHOLE}}, "required": []}, {}),
        ("calculate (12 + 4) * 3", form(expression=TEXT), {"expression": "(12 + 4) * 3"}),
        ("What is 3 divided by 4", form(expression=TEXT), {"expression": "3 / 4"}),
        (
            "Weather in Paris in celsius for 3 days",
            form(location=TEXT, unit=UNITS, days=WHOLE),
            {"location": "Paris", "unit": "celsius", "days": 3},
        ),
        ("Is it nice in Nice, France?", form(location=TEXT), {"location": "Nice, France"}),
        (
            "Is it nice in Nice, France?",
            form(city=TEXT, country=TEXT),
            {"city": "Nice", "country": "France"},
        ),
        ("Paris weather", form(city=TEXT), {"city": "Paris"}),
        ("the weather in paris today", form(city=TEXT), {"city": "paris"}),
        (
            'Write to anna@acme.example about the weather in "Oslo"',
            form(city=TEXT, email=TEXT),
            {"city": "Oslo", "email": "anna@acme.example"},
        ),
        ("the weather in json", form(city=TEXT), {}),
        (
            "Flights from Berlin to Tokyo on March 5, 2026",
            form(origin=TEXT, destination=TEXT, date={"type": "string", "format": "date"}),
            {"origin": "Berlin", "destination": "Tokyo", "date": "2026-03-05"},
        ),
        ("Flights on Monday", form(origin=TEXT), {}),
        (
            "John Smith is 32 years old and lives in Madrid",
            form(name=TEXT, age=WHOLE, city=TEXT),
            {"name": "John Smith", "age": 32, "city": "Madrid"},
        ),
        ("I am Ann Lee", form(first_name=TEXT, last_name=TEXT), {"first_name": "Ann", "last_name": "Lee"}),
        ("My name is Bob.", form(name=TEXT), {"name": "Bob"}),
        ("a customer named '你好' (Hello)", form(customer_name=TEXT), {"customer_name": "你好"}),
        ("the city name is Rome", form(city_name=TEXT), {"city_name": "Rome"}),
        ("I live in Rome", form(city=form(name=TEXT)), {}),
        (
            "mail bob@example.com saying 'Hello'",
            form(to=TEXT, body=TEXT),
            {"to": "bob@example.com", "body": "Hello"},
        ),
        ("mail it", form(email={"type": "string", "format": "email"}), {}),
        ("a 'thing'", form(key={"type": "string", "format": "hostname"}), {}),
        ("see https://example.com/a.", form(url=TEXT), {"url": "https://example.com/a"}),
        ("call +1 555 0123 4567", form(phone=TEXT), {"phone": "+1 555 0123 4567"}),
        ("order #A-1234, please", form(order_id=TEXT), {"order_id": "A-1234"}),
        ("read src/main.py", form(path=TEXT), {"path": "src/main.py"}),
        ("at 7:30 pm", form(time=TEXT), {"time": "19:30"}),
        ("on 5 May 2026", form(date=TEXT), {"date": "2026-05-05"}),
        ("at 2026-05-05 07:30", form(at={"type": "string", "format": "date-time"}), {"at": "2026-05-05T07:30:00Z"}),
        (
            "since 2026-05-05T07:30:01+02:00",
            form(at={"type": "string", "format": "date-time"}),
            {"at": "2026-05-05T07:30:01+02:00"},
        ),
        (
            "10.0.0.1 and 123e4567-e89b-12d3-a456-426614174000",
            form(ip=TEXT, uuid={"type": "string", "format": "uuid"}),
            {"ip": "10.0.0.1", "uuid": "123e4567-e89b-12d3-a456-426614174000"},
        ),
        ("Search for pizza in Rome", form(query=TEXT), {"query": "Search for pizza in Rome"}),
        ('Search for "pizza"', form(query=TEXT), {"query": "pizza"}),
        ("hi", form(query=TEXT, name=TEXT, count=WHOLE), {}),
        ("word " * 100, form(query=TEXT), {"query": ("word " * 40).strip()}),
        ("translate it to French", form(text=TEXT), {"text": "translate it to French"}),
        ("a joke about cats.", form(topic=TEXT, setup=TEXT), {"topic": "cats"}),
        (
            "from checking to savings",
            form(source={"enum": ["savings", "checking"]}, target={"enum": ["savings", "checking"]}),
            {"source": "checking", "target": "savings"},
        ),
        ("one in progress", form(state={"enum": ["done", "in_progress"]}), {"state": "in_progress"}),
        ("state: done, in progress", form(state={"enum": ["in_progress", "done"]}), {"state": "done"}),
        ("3 plus 4", form(operation={"enum": ["add", "subtract", 3, None]}), {"operation": "add"}),
        ("grade B, a bad one", form(grade={"enum": ["a", "B"]}), {"grade": "B"}),
        ("on Straße 5, klein", form(size={"enum": ["groß", "klein"]}), {"size": "klein"}),
        ("on Straße 5, GROẞ", form(size={"enum": ["groß", "klein"]}), {"size": "groß"}),
        ("from İzmir, in red", form(color={"enum": ["blue", "red"]}), {"color": "red"}),
        ("undone", form(state={"enum": ["done", ""]}), {}),
        ("red and blue", form(c={"type": "array", "items": {"enum": ["blue", "red"]}}), {"c": ["red", "blue"]}),
        (
            "to a@x.org and b@x.org",
            form(emails={"type": "array", "items": TEXT}),
            {"emails": ["a@x.org", "b@x.org"]},
        ),
        ("'a' and 'b'", form(tags={"type": "array", "items": TEXT}), {"tags": ["a", "b"]}),
        ("in Rome", form(cities={"type": "array", "items": TEXT}), {}),
        ("true", form(flags={"type": "array", "items": {"type": "boolean"}, "minItems": 1}), {}),
        ("verbose: yes; force: no; dry", form(verbose={"type": "boolean"}, force={"type": "boolean"}), {
            "verbose": True, "force": False,
        }),
        ('{"city": "Oslo", "temp": 21.5}', form(city=TEXT, temp=NUMBER), {"city": "Oslo", "temp": 21.5}),
        ("keys 'setup' and 'end'", form(setup=TEXT, punchline=TEXT), {"setup": "end"}),
        ("a = 1", form(a={"const": 2}), {}),
        ("a = 1", form(a={"type": "null"}, b={"type": "array", "items": form(c=WHOLE), "maxItems": 0}), {}),
        ("a: 1", form(a={"anyOf": [{"type": "null"}, False, WHOLE]}), {"a": 1}),
        ("color red", form(color={"$ref": "#/$defs/C"}) | {"$defs": {"C": {"enum": ["red"]}}}, {"color": "red"}),
        ("a 5", form(a={"$ref": "#/$defs/C"}) | {"$defs": {"C": {"type": "integer", "maximum": 4}}}, {}),
        ("", form(a=WHOLE), {}),
        ("2026-05-06, 3 of them at 07:30", form(n=WHOLE), {"n": 3}),
        ("on 2026-13-05 at 25:00", form(date=TEXT, time=TEXT), {}),
        ("2026-05-05 07:30:01", form(t={"type": "string", "format": "date-time"}), {"t": "2026-05-05T07:30:01Z"}),
        ("the 'city hall' of Rome", form(city=TEXT), {"city": "Rome"}),
        ("rows 7", form(rows=TEXT, n=WHOLE), {}),
        ("name: . x", form(name=TEXT), {}),
        ("5 is a number", form(a={"anyOf": [{"title": str(n)} for n in range(20)]}), {}),
        ("the word 'x' and more", form(word=TEXT), {"word": "x"}),
        ("the 'title of it'", form(title=TEXT), {"title": "title of it"}),
    ],
)  # fmt: skip
def test_fields_take_values_of_the_question(question: str, schema: Any, values: Any) -> None:
    assert fitted(question, schema) == values


def test_tool_results_come_before_the_question() -> None:
    schema = form(answer=TEXT)
    assert fitted("what is 3 plus 4", schema, "7") == {"answer": "7"}
    assert fitted("what is 3 plus 4", form(result=WHOLE), "It is 7") == {"result": 7}
    assert fitted("3 plus 4", form(result=WHOLE), "none") == {"result": 3}
    assert fitted("the temperature", form(temperature=WHOLE), '{"temperature": 21}') == {"temperature": 21}


def test_earlier_texts_come_last() -> None:
    assert fitted("book it", form(name=TEXT), earlier=("My name is Bob.",)) == {"name": "Bob"}
    assert fitted("book it", form(nights=WHOLE), earlier=("3 nights",)) == {"nights": 3}
    assert fitted("book it", form(n=WHOLE), earlier=("3",)) == {}
    assert fitted("x", form(name=TEXT), earlier=("a" * 2_000, "My name is Bob.")) == {}


def test_optional_number_is_taken_only_where_it_is_named() -> None:
    schema = {"type": "object", "properties": {"query": TEXT, "limit": WHOLE}, "required": ["query"]}
    assert fitted("find 5 hotels here", schema) == {"query": "find 5 hotels here"}
    assert fitted("find hotels, limit 5", schema) == {"query": "find hotels, limit 5", "limit": 5}


def test_text_at_the_root_is_fitted() -> None:
    generated = generate(TEXT, Random(1), "query", conversation=ConversationTexts("find a hotel"))
    assert generated.value == "find a hotel"
    assert generated.taken == ("query",)
    assert generate(TEXT, Random(1), "shell", conversation=ConversationTexts("hi")).taken == ()


def test_value_that_breaks_the_whole_is_left_out() -> None:
    """`not` is a condition on the whole object, which the field's own schema does not know."""
    schema = form(a=WHOLE) | {"not": {"properties": {"a": {"const": 5}}}}
    assert fitted("a 5", schema) == {}
    impossible = form(a=WHOLE) | {"not": {}}
    conversation = ConversationTexts("a 5")
    assert generate(impossible, Random(1), conversation=conversation) == generate(impossible, Random(1))
    failed = generate(impossible, Random(1), conversation=conversation, again=lambda: Random(1))
    assert failed == generate(impossible, Random(1))


def test_value_after_the_name_of_a_number_may_be_none() -> None:
    assert fitted("days: many", form(days=WHOLE)) == {}


def test_work_for_one_value_is_bounded() -> None:
    text = " ".join(f"{number} a b c d" for number in range(900))
    many = form(**{f"a_b_c_{number}": WHOLE for number in range(200)})
    generated = generate(many, Random(1), conversation=ConversationTexts(text))
    assert 0 < len(generated.taken) <= 64
    drawn = generate(many, Random(1)).value
    assert {name for name in many["properties"] if generated.value[name] != drawn[name]} <= set(
        generated.taken
    )
    named = form(**{f"total_{chr(97 + n)}{chr(98 + n)}": WHOLE for n in range(20)})
    text = "total " * 8 + "." * 100 + " ".join(map(str, range(32)))
    assert len(generate(named, Random(1), conversation=ConversationTexts(text)).taken) < 20
    patterns = form(**{f"p{number}": {"type": "string", "pattern": "[a-z]{200}|x"} for number in range(60)})
    costly = generate(patterns, Random(1), conversation=ConversationTexts("'x' " * 32))
    assert len(costly.taken) < 60


def test_reference_that_leads_nowhere_offers_nothing() -> None:
    schema = {
        "type": "object",
        "properties": {"a": WHOLE},
        "anyOf": [{"properties": {"b": {"$ref": "#/$defs/none"}}}, True],
        "required": ["a"],
    }
    generated = generate(schema, Random(1), conversation=ConversationTexts("a 5"))
    assert generated == generate(schema, Random(1)) or generated.value["a"] == 5


def test_repeated_text_has_the_same_entities() -> None:
    text = "Order 42 for Berta."
    assert entities_of_each([text])[0] is entities_of_each([text])[0]
    long = text * 100
    assert entities_of_each([long])[0] is not entities_of_each([long])[0]


def test_equal_texts_have_separate_entities() -> None:
    """A value that two results name may be taken from both."""
    first, second = entities_of_each(["Order 42.", "Order 42."])
    assert first is not second
    assert first.numbers == second.numbers


def test_text_without_slash_and_ending_has_no_paths() -> None:
    entities, others = entities_of_each(["Read it. Then stop.", "Read src/main.py."])
    assert entities.paths == []
    assert [each.value for each in others.paths] == ["src/main.py"]


def test_field_whose_name_is_too_long_to_cache_takes_a_value() -> None:
    name = f"email_{'a' * MAX_CACHED_LENGTH}"
    assert fitted("Write to ada@example.org.", form(**{name: TEXT})) == {name: "ada@example.org"}


@pytest.mark.parametrize("kind", ["emails", "uuids", "ips", "dates", "moments", "times"])
def test_text_without_the_sign_of_a_kind_has_no_such_value(kind: str) -> None:
    assert getattr(TextEntities("Two plain words, 12 of them"), kind) == []


def test_field_whose_check_takes_too_much_work_takes_no_value() -> None:
    def taken(longest: int) -> Any:
        text = {"type": "string", "pattern": f"^[a-zA-Z]{{1,{longest}}}$"}
        return fitted("Weather in Oslo? city: Kirkwall", form(city=text))

    assert taken(100) == {"city": "Kirkwall"}
    assert taken(20_000) == {}
