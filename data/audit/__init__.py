"""What a conversion did: counts, rows, differences, exports and people's rulings."""
