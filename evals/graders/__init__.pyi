from .numbers import Number as Number, number as number, read as read, within_tenth as within_tenth
from .rules import GRADERS as GRADERS, Score as Score, gold_number as gold_number, grader as grader
