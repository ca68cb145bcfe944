"""The model: Gemma 3 from a Hugging Face folder, tokenizer, adapters, attention, mesh, export."""
