"""Swift source with everything that is not code blanked out."""
import re

_SPECIAL = re.compile(r'//|/\*|#*"')
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def code(source: str) -> str:
    """The same text, line by line and column by column, with comments and the insides of string literals as spaces.

    What stands in `\\(…)` inside a literal is code and stays. Follows "Lexical Structure" of the language reference:
    block comments nest, `#"…"#` wants as many number signs in `\\#(` and at its end as at its start.
    """
    out = list(source)
    _blank(source, out, 0, closing=None)
    return "".join(out)


def _blank(source: str, out: list[str], at: int, closing: str | None) -> int:
    """Works through code from `at` on; with `closing` given, up to the parenthesis that closes an interpolation."""
    depth = 0
    while at < len(source):
        if closing and source[at] in "()":
            depth += 1 if source[at] == "(" else -1
            if depth < 0:
                return at + 1
        special = _SPECIAL.match(source, at)
        if not special:
            at += 1
        elif special[0] == "//":
            at = _erase(source, out, at, _end(source, "\n", at))
        elif special[0] == "/*":
            at = _erase(source, out, at, _comment_end(source, at))
        else:
            at = _string(source, out, at, special[0])
    return at


def _string(source: str, out: list[str], at: int, opening: str) -> int:
    """Blanks one literal, `at` standing on its first character, and returns where it ends."""
    signs = opening[:-1]
    quotes = '"""' if source.startswith(signs + '"""', at) else '"'
    end, escape, at = quotes + signs, "\\" + signs, at + len(signs) + len(quotes)
    while at < len(source):
        if source.startswith(end, at):
            return at + len(end)
        if quotes == '"' and source[at] == "\n":
            return at
        if source.startswith(escape + "(", at):
            at = _blank(source, out, _erase(source, out, at, at + len(escape) + 1), closing=")")
        else:
            at = _erase(source, out, at, at + (len(escape) + 1 if source.startswith(escape, at) else 1))
    return at


def _comment_end(source: str, at: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(source, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(source)


def _end(source: str, what: str, at: int) -> int:
    found = source.find(what, at)
    return len(source) if found < 0 else found


def _erase(source: str, out: list[str], start: int, end: int) -> int:
    for index in range(start, min(end, len(source))):
        if source[index] != "\n":
            out[index] = " "
    return end
