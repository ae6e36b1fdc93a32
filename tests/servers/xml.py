"""XML as S3 writes and reads it."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")
MOST_DOCUMENT = 2 * 1024 * 1024


def text(value: object) -> str:
    """The text of an element; characters that XML cannot say come as references, as S3 writes them."""
    return _CONTROL.sub(lambda found: f"&#x{ord(found[0]):x};", escape(str(value)))


def element(name: str, value: object) -> str:
    """An element with a text."""
    return f"<{name}>{text(value)}</{name}>"


def document(name: str, inside: str) -> bytes:
    """A whole document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">{inside}</{name}>'.encode()


def instant(seconds: float) -> str:
    """A time as lists tell it."""
    whole, part = divmod(seconds, 1)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int(part * 1000):03}Z"


def parsed(body: bytes) -> ET.Element | None:
    """A document without its namespaces; None when it is none, or longer than any that S3 takes."""
    if len(body) > MOST_DOCUMENT or b"<!DOCTYPE" in body:
        return None
    try:
        root = ET.fromstring(body)
    except ET.ParseError:
        return None
    for each in root.iter():
        each.tag = each.tag.rpartition("}")[2]
    return root
