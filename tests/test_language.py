"""The language of the code: verbs first, few riddles, values named by what they are."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

APP = Path(__file__).parents[1] / "app"
MAX_PER_1000 = {"what": 3.0, "where": 4.0}
MIN_PER_1000 = {("return", "returns", "raise", "raises"): 5.0}
MAX_PARTICIPLES = 25
PARTICIPLES = {"told", "said", "made", "held", "found", "kept", "given", "asked", "known", "shown"}

# Names that several modules define on purpose: each means one thing.
SHARED = {
    "router": "the routes of each module of `api` and `web`, which FastAPI calls so",
    "logger": "the log of each module, which `logging` calls so",
    "install": "what a module adds to the application",
    "write": "how a format writes a file",
    "read": "how a format reads a file",
    **dict.fromkeys("TPV", "type variables"),
}
# Modules whose public names repeat on purpose those of another room.
MIRRORS = {
    "cli": "a command is called as the function that it runs",
    "schemas": "the shape in JSON of the row of `models` or the record of the same name",
}


@cache
def modules() -> dict[str, str]:
    """Return the source of every module of `app` by its dotted name."""
    return {
        ".".join(path.relative_to(APP).with_suffix("").parts): path.read_text()
        for path in sorted(APP.rglob("*.py"))
    }


def docstrings() -> Iterator[tuple[str, ast.AST, str]]:
    """Give the place, the node and the text of every docstring."""
    for module, source in modules().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                if text:
                    yield f"{module}:{getattr(node, 'name', '')}", node, text


def comments() -> Iterator[str]:
    """Give the text of every comment."""
    for source in modules().values():
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.string


def per_1000() -> Counter[str]:
    """Return how often each word stands in 1,000 of docstrings and comments."""
    texts = [*(text for _, _, text in docstrings()), *comments()]
    words = re.findall(r"[a-z']+", " ".join(texts).lower())
    return Counter({word: 1000 * n / len(words) for word, n in Counter(words).items()})


def test_docstrings_say_what_a_call_does_and_not_what_a_thing_is() -> None:
    """Relative clauses are few; what is returned and raised is said."""
    shares = per_1000()
    wrong = {w: shares[w] for w, most in MAX_PER_1000.items() if shares[w] > most}
    for words, least in MIN_PER_1000.items():
        if sum(shares[word] for word in words) < least:
            wrong["/".join(words)] = sum(shares[word] for word in words)
    assert wrong == {}


def test_values_are_named_by_what_they_are() -> None:
    """Not by what has happened to them."""
    found = [
        f"{module}:{node.lineno} {name}"
        for module, source in modules().items()
        for node in ast.walk(ast.parse(source))
        for name in [getattr(node, "id", None) or getattr(node, "arg", None)]
        if name in PARTICIPLES
        and (
            isinstance(node, ast.arg)
            or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        )
    ]
    assert len(found) <= MAX_PARTICIPLES, "\n".join(found)


# Words that begin a sentence about a thing, where a verb in the imperative belongs.
NO_VERBS = frozenset(
    [
        "a",
        "an",
        "the",
        "what",
        "where",
        "which",
        "whether",
        "why",
        "how",
        "who",
        "all",
        "one",
        "each",
        "every",
        "as",
        "of",
        "in",
        "if",
        "so",
        "this",
        "those",
        "these",
        "its",
        "it",
        "some",
        "any",
        "no",
        "not",
        "nothing",
        "up",
        "by",
        "at",
        "to",
        "for",
    ]
)


def is_called(node: ast.AST) -> bool:
    """Whether this is a public function or method that is called, and not read like a value."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    decorators = {ast.unparse(d).split("(")[0] for d in node.decorator_list}
    values = {"property", "cached_property", "functools.cached_property"}
    return not (node.name.startswith("_") or decorators & values or is_run_by_name(node))


def is_run_by_name(node: ast.AST) -> bool:
    """Whether a decorator registers a function: as a route or a command, whose text it gives."""
    decorators = [ast.unparse(d) for d in getattr(node, "decorator_list", ())]
    return any(
        d.startswith(("router.", "app.")) or ".callback" in d or ".command" in d for d in decorators
    )


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    """In the imperative: Return, Store, Raise."""
    wrong = [
        f"{place}: {text.splitlines()[0]}"
        for place, node, text in docstrings()
        if is_called(node) and re.split(r"\W", text, maxsplit=1)[0].lower() in NO_VERBS
    ]
    assert wrong == [], "\n".join(wrong)


def defined(source: str) -> Iterator[str]:
    """Give the public names that a module defines, without imports, routes and commands."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not is_run_by_name(node):
                yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_one_name_means_one_thing() -> None:
    """No public name is defined in two modules, but for those that say why."""
    places: dict[str, list[str]] = {}
    for module, source in modules().items():
        if module.split(".")[0] not in MIRRORS:
            for name in {name for name in defined(source) if not name.startswith("_")}:
                places.setdefault(name, []).append(module)
    twice = {n: where for n, where in places.items() if len(where) > 1 and n not in SHARED}
    assert twice == {}, "\n".join(f"{name}: {', '.join(m)}" for name, m in sorted(twice.items()))
