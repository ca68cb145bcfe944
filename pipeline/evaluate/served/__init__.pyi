from .client import Server as Server, check_reachable as check_reachable, complete as complete
from .requests import Request as Request, body_of as body_of, requests_of as requests_of
from .server import ServedConfig as ServedConfig
from .streaming import stream as stream
