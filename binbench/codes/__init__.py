"""The binary embedding engine: batches, projections, binarization, bit packing and Hamming search, all bit-exact."""
