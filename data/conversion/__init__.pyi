from .convert import RULES as RULES, VERSION as VERSION, converter as converter
from .convert_source import BATCH as BATCH, batched as batched, convert_file as convert_file
from .defects import SEVERITY as SEVERITY, WARNING as WARNING
from .examples import candidates as candidates, problems as problems
from .loops import loop_in as loop_in
