from .load import PRESETS as PRESETS, load_preset as load_preset, preset_names as preset_names
