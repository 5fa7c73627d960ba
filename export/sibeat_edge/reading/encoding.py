"""Text of binary headers: any encoding is read, and a micro sign is one in all of them."""

# What is before the V of a microvolt in UTF-8 (micro sign, Greek letter), Latin-1, DOS, Greek, Japanese and
# Chinese encodings, and where UTF-8 was taken for Latin-1 and encoded again.
MICRO = (b"\xc2\xb5", b"\xce\xbc", b"\xb5", b"\xe6", b"\xec", b"\x83\xca", b"\xa6\xcc", b"\xc3\x82\xc2\xb5")

CYRILLIC = ("cp1251", "cp866", "koi8-r")


def decode(raw: bytes) -> str:
    """The text of ``raw`` bytes: UTF-8, or else Latin-1, in which any bytes are some text.

    What cannot be printed becomes a blank.

    >>> decode("Müller".encode()), decode("Müller".encode("latin-1")), decode(b"V1\\n")
    ('Müller', 'Müller', 'V1 ')
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return printable(text)


def printable(text: str) -> str:
    """The ``text`` with a blank for what cannot be printed: an error has one line, and changes no screen.

    >>> printable("V1\\n\\x1b[31m")
    'V1  [31m'
    """
    return "".join(sign if sign.isprintable() else " " for sign in text)


def decode_unit(raw: bytes) -> str:
    """A unit's name without the padding around it; microvolts are ``uV``, whatever encoding their sign has.

    >>> decode_unit(b"\\xb5V    "), decode_unit("μV".encode()), decode_unit(b"mV"), decode_unit(b"")
    ('uV', 'uV', 'mV', '')
    """
    bare = raw.strip(b" \0\t")
    for encoding in CYRILLIC:
        if (unit := bare.decode(encoding, "replace").casefold()) in ("мкв", "мв"):
            return unit
    return "uV" if bare[-1:] in (b"V", b"v") and bare[:-1] in MICRO else decode(bare)
