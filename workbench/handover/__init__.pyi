from .archive import read_contents as read_contents
from .pack import Plan as Plan, pack_store as pack_store
from .unpack import unpack_store as unpack_store
