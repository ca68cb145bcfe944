from .tables import count as count, graded as graded, show as show, table as table
