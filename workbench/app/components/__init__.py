"""Parts that several pages draw: tables, texts, charts, keyboard."""
