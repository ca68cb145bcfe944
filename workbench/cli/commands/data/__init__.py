"""Commands on training data: read, convert, audit, choose."""
