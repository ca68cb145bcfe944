"""Characters that a terminal executes, or that hide or reorder the text around them."""

PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
PICTURES |= dict.fromkeys(range(0x7F, 0xA0), 0x2421)  # DEL and the C1 control characters
# Characters that reverse the letters after them (a name that ends in exe could show as txt), break
# a line, or show nothing. Joiners (U+200C, U+200D) are letters' business in many scripts, and stay.
HIDDEN_CODES = (
    *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
    *(0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
    *(*range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)),
)
HIDDEN = {code: f"\u27e8U+{code:04X}\u27e9" for code in HIDDEN_CODES}
UNSAFE = {**PICTURES, **HIDDEN}


def visible(text: str) -> str:
    """`text` with control characters as pictures, and hidden and reversing ones as their codes.

    A terminal would execute the first, and hide or reorder text by the second.
    """
    return text if text.isascii() and text.isprintable() else text.translate(UNSAFE)
