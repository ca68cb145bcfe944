from .client import Server as Server, checked_url as checked_url, complete as complete
from .config import ServedConfig as ServedConfig
from .evaluate import NOT_ASKED as NOT_ASKED
from .requests import Request as Request, body_of as body_of, requests_of as requests_of
