#include <zlib.h>

// inflateInit2 is a macro, which Swift does not import. 15 + 32: the largest window, gzip or zlib by its header.
static inline int tally_inflate_init(z_stream *stream) { return inflateInit2(stream, 15 + 32); }
