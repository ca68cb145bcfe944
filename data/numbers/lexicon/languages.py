"""Scales behind a number in other languages than English: 2 Millionen, 3 milliards."""

_SCALES = {  # of which a billion has twelve zeros, except in Brazil
    10**3: "tausend duizend tusen tusind mille"
    " тысяча тысячи тысяч nghìn ribu",
    10**6: "millionen millones millón millon milhão milhões milione milioni miljoen"
    " miljoner miljon"
    " milyon миллион миллиона миллионов triệu juta",
    10**9: "milliarde milliarden milliard milliards miljard miljarder miliardo miliardi"
    " milyar miliar"
    " bilhão bilhões миллиард миллиарда миллиардов",
    10**12: "billionen billones billón biljoen",
}  # fmt: skip
SCALES_OF_LANGUAGES = {word: size for size, words in _SCALES.items() for word in words.split()}
