"""Cross-products of [Z X y] and the coordinates they are taken in."""
