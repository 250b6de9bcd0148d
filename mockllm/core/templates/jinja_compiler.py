"""The compiler from Jinja2's syntax tree to closures: an allow-list of nodes, each with its compilation.

Only Jinja2's parser is used. Nodes outside of the table below are refused: no calls, loops, assignments, macros,
imports, no attribute of any Python object. `compile_template` imports this module only for a template that has more
than plain paths and filters of them: importing Jinja2 takes 20 ms.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from typing import Final

from jinja2 import nodes

from mockllm.core.json.codec import Json, Missing
from mockllm.core.json.equality import equal
from mockllm.core.templates.filters import (
    FILTERS,
    NUMBER_LIMIT,
    TAKES_ABSENT,
    TESTS,
    bounded,
    call,
    number,
    shown,
)
from mockllm.core.templates.jinja_syntax import LITERAL, parsed, whole_characters
from mockllm.core.templates.scope import TemplateScope
from mockllm.core.templates.template import (
    MAX_OUTPUT_LENGTH,
    Evaluate,
    PathRead,
    TemplateBlock,
    TemplateSyntax,
    TemplateTypeError,
    as_text,
    needed,
    too_long,
)

_MAX_DEPTH: Final = 50


def compile_blocks(source: str) -> list[str | TemplateBlock]:
    """Return the texts and blocks of a template. Raise TemplateSyntax with a message for a person."""
    body, sources = parsed(source)
    compiler = _Compiler(sources)
    try:
        if all(type(node) is nodes.Output for node in body):
            return [part for node in body for part in compiler.output(node)]
        return [TemplateBlock(source, compiler.body(body), tuple(compiler.reads))]
    except TemplateSyntax as error:
        error.line = error.line or compiler.line
        raise


class _Compiler:
    """Compiles nodes to closures, and collects their paths in `reads`."""

    def __init__(self, sources: Iterator[str]) -> None:
        self.reads: list[PathRead] = []
        self._sources = sources
        self._depth = self.line = 0

    def output(self, node: nodes.Node) -> Iterator[str | TemplateBlock]:
        """Yield the plain texts and expressions of one Output node."""
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.TemplateData):
                yield child.data
            else:
                before = len(self.reads)
                yield TemplateBlock(next(self._sources), self.expression(child), tuple(self.reads[before:]))

    def body(self, body: list[nodes.Node]) -> Evaluate:
        """Return the closure for the text of several statements."""
        parts: list[Evaluate] = []
        self._enter()
        for node in body:
            if isinstance(node, nodes.Output):
                parts.extend(map(_text_of, self.output(node)))
            elif isinstance(node, nodes.If):
                parts.append(self._if(node))
            else:
                raise _refused(node)
        self._depth -= 1
        return _joined(parts)

    def _if(self, node: nodes.If) -> Evaluate:
        cases = [(self.expression(node.test), self.body(node.body))]
        cases.extend((self.expression(case.test), self.body(case.body)) for case in node.elif_)
        otherwise = self.body(node.else_)

        def choose(scope: TemplateScope) -> Json | Missing:
            for test, body in cases:
                if test(scope):
                    return body(scope)
            return otherwise(scope)

        return choose

    def expression(self, node: nodes.Node) -> Evaluate:
        """Return the closure for an expression."""
        self.line = node.lineno
        self._enter()
        closure = self._closure(node)
        self._depth -= 1
        return closure

    def _closure(self, node: nodes.Node) -> Evaluate:
        match node:
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self.path(node)
            case nodes.Const():
                return self.constant(node)
            case nodes.List() | nodes.Tuple():
                return self.listing(node)
            case nodes.Filter():
                return self.filtered(node)
            case nodes.Test():
                return self.tested(node)
            case nodes.Compare():
                return self.compared(node)
            case nodes.And() | nodes.Or():
                return self.logical(node)
            case nodes.Not():
                return self.negated(node)
            case nodes.CondExpr():
                return self.conditional(node)
            case nodes.Concat():
                return _joined([self.needed(part) for part in node.nodes])
            case nodes.Neg() | nodes.Pos():
                return self.signed(node)
            case nodes.BinExpr() if type(node) in _ARITHMETIC:
                return self.computed(node)
            case _:
                raise _refused(node)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TemplateSyntax("the template is nested too deeply")

    def path(self, node: nodes.Node) -> Evaluate:
        """Return the closure for a name with its keys and indices."""
        keys: list[str | int] = []
        while not isinstance(node, nodes.Name):
            if isinstance(node, nodes.Getattr):
                keys.append(node.attr)
            elif isinstance(node, nodes.Getitem):
                keys.append(_key(node.arg))
            else:
                raise TemplateSyntax(
                    "only names can be looked into: write `body.messages[0]`, no expressions"
                )
            node = node.node
        read = PathRead.of(node.name, keys[::-1])
        self.reads.append(read)
        return read

    def constant(self, node: nodes.Const) -> Evaluate:
        value: Json = node.value
        if isinstance(value, str):
            value = whole_characters(value)
        elif type(value) in (int, float) and not abs(value) < NUMBER_LIMIT:
            raise TemplateSyntax("the number is too large")
        return lambda scope: value

    def listing(self, node: nodes.List | nodes.Tuple) -> Evaluate:
        parts = [self.needed(part) for part in node.items]
        return lambda scope: [part(scope) for part in parts]

    def filtered(self, node: nodes.Filter) -> Evaluate:
        name = node.name
        if name not in FILTERS:
            raise TemplateSyntax(f'there is no filter "{name}"; there are {", ".join(sorted(FILTERS))}')
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise _refused(node)
        try:
            signature(FILTERS[name]).bind(None, *node.args, **{str(pair.key): pair for pair in node.kwargs})
        except TypeError as error:
            raise TemplateSyntax(f'the filter "{name}" takes other arguments: {error}') from None
        value = self.expression(node.node) if name in TAKES_ABSENT else self.needed(node.node)
        arguments = [self.needed(argument) for argument in node.args]
        named = {str(pair.key): self.needed(pair.value) for pair in node.kwargs}
        return lambda scope: call(
            name,
            value(scope),
            [argument(scope) for argument in arguments],
            {key: argument(scope) for key, argument in named.items()},
        )

    def tested(self, node: nodes.Test) -> Evaluate:
        if node.name not in TESTS or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise TemplateSyntax(
                f'there is no test "{node.name}" like this; there are {", ".join(sorted(TESTS))}'
            )
        value, test = self.expression(node.node), TESTS[node.name]
        return lambda scope: test(value(scope))

    def compared(self, node: nodes.Compare) -> Evaluate:
        first = self.expression(node.expr)
        rest = [(_COMPARISONS[operand.op], self.expression(operand.expr)) for operand in node.ops]

        def compare(scope: TemplateScope) -> bool:
            left = first(scope)
            for comparison, operand in rest:
                right = operand(scope)
                if not comparison(left, right):
                    return False
                left = right
            return True

        return compare

    def logical(self, node: nodes.And | nodes.Or) -> Evaluate:
        left, right = self.expression(node.left), self.expression(node.right)
        if isinstance(node, nodes.And):
            return lambda scope: left(scope) and right(scope)
        return lambda scope: left(scope) or right(scope)

    def negated(self, node: nodes.Not) -> Evaluate:
        value = self.expression(node.node)
        return lambda scope: not value(scope)

    def conditional(self, node: nodes.CondExpr) -> Evaluate:
        test, then = self.expression(node.test), self.expression(node.expr1)
        otherwise: Evaluate = self.expression(node.expr2) if node.expr2 is not None else lambda scope: ""
        return lambda scope: then(scope) if test(scope) else otherwise(scope)

    def signed(self, node: nodes.UnaryExpr) -> Evaluate:
        value = self.needed(node.node)
        sign = -1 if isinstance(node, nodes.Neg) else 1
        return lambda scope: bounded(sign * number(value(scope)))

    def computed(self, node: nodes.BinExpr) -> Evaluate:
        if isinstance(node, nodes.Sub) and _dashed_header(node):
            raise TemplateSyntax('a header\'s name needs quotes: write `headers["x-case"]`')
        left, right = self.needed(node.left), self.needed(node.right)
        compute = _ARITHMETIC[type(node)]

        def result(scope: TemplateScope) -> Json:
            numbers = number(left(scope)), number(right(scope))
            try:
                value = compute(*numbers)
            except ArithmeticError as error:
                raise TemplateTypeError(f"{numbers[0]} and {numbers[1]}: {error}") from None
            return bounded(value)

        return result

    def needed(self, node: nodes.Node) -> Evaluate:
        """Return the closure for an expression that must have a value."""
        value = self.expression(node)
        return lambda scope: needed(value, scope)


def _joined(parts: Sequence[Evaluate]) -> Evaluate:
    """Return the closure for the joined texts of some values."""

    def text(scope: TemplateScope) -> Json:
        texts, room = [], MAX_OUTPUT_LENGTH
        for part in parts:
            value = part(scope)
            texts.append(value if type(value) is str else as_text(value))
            room -= len(texts[-1])
            if room < 0:
                raise too_long()
        return "".join(texts)

    return text


def _text_of(part: str | TemplateBlock) -> Evaluate:
    """Return the closure for the text of one part of a body. Its error names the expression."""
    if isinstance(part, str):
        return lambda scope: part

    def text(scope: TemplateScope) -> Json:
        try:
            return as_text(part.value(scope))
        except TemplateTypeError as error:
            raise TemplateTypeError(error.reason, error.expression or part.source, error.query) from None

    return text


def _key(node: nodes.Node) -> str | int:
    """Return a constant key. `[-1]` parses as a sign and a number."""
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and type(node.node.value) is int:
        return -node.node.value
    if isinstance(node, nodes.Const) and type(node.value) in (str, int):
        key: str | int = node.value
        return whole_characters(key) if isinstance(key, str) else key
    raise TemplateSyntax('a key or index is a constant: write `messages[-1]` or `headers["x-case"]`')


def _dashed_header(node: nodes.Sub) -> bool:
    left = node.left
    return (
        isinstance(left, nodes.Getattr) and isinstance(left.node, nodes.Name) and left.node.name == "headers"
    )


def _refused(node: nodes.Node) -> TemplateSyntax:
    name = _REFUSED.get(type(node).__name__, type(node).__name__.lower())
    message = f"templates have no {name}: only paths, constants, filters, tests and conditions {LITERAL}"
    return TemplateSyntax(message, node.lineno)


_REFUSED: Final = {
    **dict.fromkeys(("Call", "CallBlock"), "calls"),
    **dict.fromkeys(("Assign", "AssignBlock", "With"), "assignments"),
    **dict.fromkeys(("Import", "FromImport"), "imports"),
    **dict.fromkeys(("Extends", "Block"), "inheritance"),
    "For": "loops",
    "Pow": "powers",
    "Dict": "objects",
    "Slice": "slices",
    "Include": "includes",
    "Macro": "macros",
    "FilterBlock": "filter blocks",
}


def _ordered(compare: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    def ordered(left: Json, right: Json) -> bool:
        try:
            return compare(left, right)
        except TypeError:
            raise TemplateTypeError(f"{shown(left)} and {shown(right)} cannot be compared") from None

    return ordered


def _within(left: Json, right: Json) -> bool:
    if type(right) is str:
        return type(left) is str and left in right
    if type(right) in (list, dict):
        return any(equal(left, part) for part in right)
    raise TemplateTypeError(f"{shown(right)} holds nothing to look for")


_COMPARISONS: Final[dict[str, Callable[[Json, Json], bool]]] = {
    "eq": equal,
    "ne": lambda left, right: not equal(left, right),
    "lt": _ordered(operator.lt),
    "lteq": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "gteq": _ordered(operator.ge),
    "in": _within,
    "notin": lambda left, right: not _within(left, right),
}

_ARITHMETIC: Final[dict[type, Callable[[Json, Json], Json]]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
}
