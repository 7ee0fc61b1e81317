"""A page of HTML as a test reads it: its elements, their text, and what a browser would have to mend in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "source", "wbr"}
# What ends a paragraph that it stands in.
BLOCKS = {"p", "div", "table", "pre", "ul", "dl", "figure", "section", "article", "h1", "h2", "h3", "h4"}
# What stands apart from what follows it, though no space is between them.
APART = {"td", "th", "dt", "dd", "small", "p", "pre", "li", "span", *BLOCKS}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    inside: tuple[str, ...]
    text: str = ""

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


@dataclass
class Page(HTMLParser):
    """`wrong`: end tags that end nothing, elements that are not ended, and blocks in a paragraph."""

    source: str
    elements: list[Element] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    opened: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)
        self.close()
        self.wrong += [f"<{each.tag}> is not ended" for each in self.opened]

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements of a tag; `class_`: one of their classes."""
        wanted = attributes.pop("class_", None)
        return [
            each
            for each in self.elements
            if each.tag == tag
            and (wanted is None or wanted in each.attributes.get("class", "").split())
            and attributes.items() <= each.attributes.items()
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = tuple(each.tag for each in self.opened)
        if tag in BLOCKS and "p" in inside:
            self.wrong.append(f"<{tag}> in a paragraph")
        names = [name for name, _ in attrs]
        self.wrong += [f"two {name} of a <{tag}>" for name in set(names) if names.count(name) > 1]
        element = Element(tag, {name: value or "" for name, value in attrs}, inside)
        self.elements.append(element)
        if tag not in VOID:
            self.opened.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if "svg" not in (each.tag for each in self.opened):
            self.wrong.append(f"<{tag}/> is no element of SVG")
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.opened or self.opened[-1].tag != tag:
            self.wrong.append(f"</{tag}> ends nothing")
            return
        self.opened.pop()
        for each in self.opened if tag in APART else ():
            each.text += " "

    def handle_data(self, data: str) -> None:
        for each in self.opened:
            each.text += data
