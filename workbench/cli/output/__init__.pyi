from .trials import sentence as sentence
