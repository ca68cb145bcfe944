from .accuracy import accuracy_cards as accuracy_cards
