from .load import load_preset as load_preset, preset_names as preset_names
