"""Reads a result of Robot that a killed run has left without its end."""

from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate

_END = b"</test>"


def whole_tests(output_xml: Path) -> bytes:
    """Return a result as it is, or, where it is cut off, up to the last test that it has the whole of."""
    content = output_xml.read_bytes()
    parser = ParserCreate()
    still_open: list[str] = []
    whole, then_open = 0, ["robot"]

    def start(name: str, _attributes: dict[str, str]) -> None:
        still_open.append(name)

    def end(name: str) -> None:
        nonlocal whole, then_open
        still_open.pop()
        if name == "test":
            whole, then_open = parser.CurrentByteIndex + len(_END), list(still_open)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(content, True)  # noqa: FBT003  it takes no names
    except ExpatError:
        if not whole:
            return b'<robot generator="Robot" rpa="false" schemaversion="5"><suite name="Nothing"></suite></robot>'
        return content[:whole] + "".join(f"</{name}>" for name in reversed(then_open)).encode()
    return content
