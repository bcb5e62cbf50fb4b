"""Texts that try to leave the place where a file holds them, and an event full of one."""

import unicodedata

from formats.documents import Json, date, event, source

CONTROL = ("\x00", "\x01", "\x07bell", "\x08", "\x0b", "\x0c", "\x1b[31mred", "a\rb", "a\x7fb")
BIDI = ("\u202egnp.exe", "\u2066a\u2067", "\u200f-\u200e", "שלום (a) \u202e", "\u061ca")
HTML = (
    *("<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=a()>"),
    *("<svg/onload=alert(1)>", "</title><script>1</script>", "</style><img onerror=a() src=x>"),
    *("<iframe srcdoc='<script>1</script>'>", "<a href='javascript:alert(1)'>x</a>", "<!--", "-->"),
    *("<!-- --!><img src=x>", "<base href='//evil.example'>", "<form action=/x>", "&lt;script&gt;"),
    *("&#60;script&#62;", "&", "&amp;amp;", "&nosuch;", "<", ">", "</article></main></body>"),
    *("<plaintext>", "<textarea>", "<noscript><p title='</noscript><img src=x onerror=a()>'>"),
)
QUOTES = (
    '"',
    "'",
    "\"'",
    "`",
    '" onmouseover="a()',
    "' onfocus='a()",
    "\\",
    '\\"',
    '"}]}',
    "'><b>",
)
XML = ("]]>", "<![CDATA[x]]>", "<?xml version='1.0'?>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;")
LINES = (
    *("a\nEND:VEVENT\nBEGIN:VEVENT", "a\\nATTACH:x", "\\N", ";", ",", "a:b;c=d", "\u2028x\u2029"),
    *("\ufeffx", "\u0085x", "\ufffex\uffff", "é" * 80, "👩‍👩‍👧" * 20),
)
TEMPLATES = ("{{ 7 * 7 }}", "{% raw %}", "${7*7}", "@context", "%0d%0aX: y")
TEXTS = (*CONTROL, *BIDI, *HTML, *QUOTES, *XML, *LINES, *TEMPLATES)
# What no link may lead to. No such address can be stored; a file does not rely on that.
ADDRESSES = (
    *(
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
    ),
    *("data:text/html,<script>1</script>", "vbscript:x", "file:///etc/passwd", "//evil.example"),
)


def storable(text: str) -> str:
    """`text` without the control characters that no quantity can be served with."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc") or "-"


def _quantity(text: str) -> Json:
    known = {"value": "1", "max_value": None, "qualifier": "exactly", "text": None}
    return {"measure": text, "unit": text, **known}


def full_of(text: str) -> Json:
    """An event with this text wherever an event holds one."""
    named = {"id": "a", "name": text, "country": None}
    return event(
        title=f"x{text}x",
        summary=f"x{text}x",
        date=date("2023-11", text),
        actors=[{**named, "kind": None, "role": "seller"}],
        places=[{**named, "latitude": 1.0, "longitude": 2.0}],
        quantities=[_quantity(storable(text))],
        tags=[text],
        sources=[
            source(
                **dict.fromkeys(("publisher", "title", "author", "quote", "locator"), text),
                url="https://example.org/?a='b'&c=<d>",
            )
        ],
        media=[
            {
                "url": "https://example.org/?m='b'&c=<d>",
                "kind": "image",
                **dict.fromkeys(("caption", "credit", "alt", "licence"), storable(text)),
                "thumbnail": None,
            }
        ],
        extra={"note": storable(text)},
    )


def linked_to(address: str) -> Json:
    """An event whose source claims to stand at this address."""
    return event(sources=[source(publisher="Desk", url=address, archive_url=address)])
