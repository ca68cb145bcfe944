"""Commands that hand over or publish: pack, unpack, report, push."""
