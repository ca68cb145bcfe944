"""The bundled model: a Gemma 3 of under a million parameters, and the script that trains it."""
